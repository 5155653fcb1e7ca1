"""The contracts between the core and its plugins.

Every kind of plugin is one protocol here. A component is opened with ``with`` or closed with ``close()``; its
constructor does no work beyond keeping its configuration. Optional abilities are protocols of their own, tested
with ``isinstance``: an environment without them works, with less.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from proofsearch.protocols.abilities import (
    AdaptsTactics as AdaptsTactics,
)
from proofsearch.protocols.abilities import (
    Audits as Audits,
)
from proofsearch.protocols.abilities import (
    EndsJobs as EndsJobs,
)
from proofsearch.protocols.abilities import (
    Interruptible as Interruptible,
)
from proofsearch.protocols.abilities import (
    Renews as Renews,
)
from proofsearch.protocols.abilities import (
    ReportsUsage as ReportsUsage,
)
from proofsearch.protocols.abilities import (
    Usage as Usage,
)
from proofsearch.protocols.exploring import (
    AddsUp as AddsUp,
)
from proofsearch.protocols.exploring import (
    Alternates as Alternates,
)
from proofsearch.protocols.exploring import (
    BeginsAnew as BeginsAnew,
)
from proofsearch.protocols.exploring import (
    Choice as Choice,
)
from proofsearch.protocols.exploring import (
    Expansion as Expansion,
)
from proofsearch.protocols.exploring import (
    Exploration as Exploration,
)
from proofsearch.protocols.exploring import (
    Learns as Learns,
)
from proofsearch.protocols.exploring import (
    Linear as Linear,
)
from proofsearch.protocols.exploring import (
    NoProofError as NoProofError,
)
from proofsearch.protocols.exploring import (
    Priority as Priority,
)
from proofsearch.protocols.exploring import (
    PriorityColumns as PriorityColumns,
)
from proofsearch.protocols.exploring import (
    PriorityTraits as PriorityTraits,
)
from proofsearch.protocols.exploring import (
    SearchHandle as SearchHandle,
)
from proofsearch.protocols.exploring import (
    Strategy as Strategy,
)
from proofsearch.protocols.exploring import (
    StrategyTraits as StrategyTraits,
)
from proofsearch.protocols.exploring import (
    TakesApart as TakesApart,
)
from proofsearch.types import Candidate, Demonstration, Outcome, ProofState, Theorem, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from proofsearch.config import RunConfig
    from proofsearch.engine.graph import SearchGraph
    from proofsearch.engine.result import SearchResult
    from proofsearch.runs import TheoremResult


# ---------------------------------------------------------------------------------------------------------------
# Environments


@runtime_checkable
class Moves(Protocol):
    """The tactics that may apply to a state, where an environment can enumerate them."""

    def listed(self) -> Sequence[str]:
        """Every tactic that may apply, in a fixed order: a superset of those that do, cheap to compute."""

    def admits(self, tactic: str) -> bool:
        """Whether the tactic really applies: exact, about as costly as the step, which may reuse the work."""


@runtime_checkable
class AdmitsMany(Protocol):
    """Moves that can be asked about many tactics at once, because that costs less than one by one."""

    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        """The places, in order, of the first ``n`` tactics that ``admits`` says yes to; none behind them is tried."""


class Session(Protocol):
    """One theorem being proved. Not shared between threads.

    Steps never raise for what a tactic does; a session that lost its prover rebuilds it and replays the path.
    """

    def initial(self) -> Outcome:
        """The state of the untouched theorem as ``Advanced``; ``Finished`` if the environment closes it at once."""

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Applies a tactic to any state that this session returned, however long ago."""

    def close(self) -> None:
        """Frees what the session holds. Idempotent."""


@runtime_checkable
class StepsMany(Protocol):
    """A session that can try many tactics at a state in one call, because that costs less than one by one."""

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterable[Outcome]:
        """What :meth:`Session.step` returns for each tactic, in order, lazily.

        The search may stop after any of the outcomes: a proof was found, a limit reached. The session may work ahead of
        what was asked for. It isn't stepped otherwise while the outcomes are being read.
        """


@runtime_checkable
class ReleasesStates(Protocol):
    """A session that frees what it holds of a state that is not needed any more."""

    def release(self, states: Sequence[ProofState]) -> None:
        """Is told of states that won't be stepped again: expanded, too deep to be, or met before.

        It may free what the prover holds of them. Should one be stepped all the same, the session makes it anew by
        replaying the way to it. A state may be named more than once, and be one that the session doesn't hold. One that
        equals another that is still to be stepped is meant itself, not the other.
        """


@runtime_checkable
class EnumeratesMoves(Protocol):
    """A session that can list the tactics that may apply (a finite action space)."""

    def moves(self, state: ProofState) -> Moves:
        """The tactics that may apply to the state's first goal."""


@runtime_checkable
class Decomposes(Protocol):
    """A session that can take states apart into parts that have nothing to do with each other."""

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The smallest parts of a state that can be proved one by one; the state itself alone where there is one.

        All goals of the state are in them, and they share nothing that a step could change: the state is provable
        exactly if each part is. Every part is a state of this session, and equal to that which is reached when there
        is nothing else to prove. The first part holds the state's first goal, as its own first goal; so what a tactic
        does to the state, it does to that part, and the other parts stay as they are.
        """


class Environment(Protocol):
    """A prover and its library.

    The target theorem and everything after it are hidden from its own search and its own check.
    """

    def theorems(self) -> Sequence[Theorem]:
        """Everything that can be searched for, in the library's order."""

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up.

        Raises:
            UsageError: no such theorem; the message names near misses.
        """

    def open(self, theorem: Theorem) -> Session:
        """A fresh session for the theorem."""

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """Replays a finished path in a fresh session and writes the whole proof as a checker takes it.

        Raises:
            ProofError: the path does not finish, or no proof can be written from it.
        """

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Checks a written proof independently of the search, in a context that hides the theorem itself."""

    def fingerprint(self) -> Mapping[str, str]:
        """What the results depend on, for the run folder: versions, hashes of input files."""

    @property
    def proof_suffix(self) -> str:
        """The file suffix of a written proof, with its dot."""

    def close(self) -> None:
        """Frees what the environment holds. Idempotent."""


@runtime_checkable
class Demonstrates(Protocol):
    """An environment whose library holds proofs to learn from."""

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The library's proofs of these theorems, step by step, as the search would meet them."""


@runtime_checkable
class Explains(Protocol):
    """An environment that can show a proof to a person."""

    def explain(self, theorem: Theorem, proof: str) -> str:
        """The proof as a person reads it: a line a step."""


@runtime_checkable
class Prepares(Protocol):
    """An environment, generator or scorer with something to compute once and cache, such as an index."""

    def prepare(self) -> None:
        """Computes it if it is not cached. Called once a run, in the parent, before any worker is started."""


@runtime_checkable
class ChoosesGenerator(Protocol):
    """Options of an environment that say which policy is best for it, for runs that name none."""

    @property
    def default_generator(self) -> str:
        """The generator's name. Without this ability it is ``knn``."""


@runtime_checkable
class StandsIn(Protocol):
    """What is put in place of a component that threads share. Errors are to name the component itself."""

    original: object


# ---------------------------------------------------------------------------------------------------------------
# Policies and values


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One state that wants candidates.

    Attributes:
        theorem: what the search is about.
        state: the state to be expanded.
        moves: the tactics that may apply, where the environment can enumerate them.
        seed: differs between the requests of a run, equal when the run is repeated.
    """

    theorem: Theorem
    state: ProofState
    moves: Moves | None = None
    seed: int = 0


class TacticGenerator(Protocol):
    """A policy: suggests tactics for states."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates; an empty list where it has none."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """One state that wants a value.

    Attributes:
        theorem: what the search is about.
        state: the state to be scored.
        depth: steps from the root on the best path.
        logprob: sum of the log-probabilities on that path.
        num_tokens: sum of their token counts.
        tactic: the last step of that path; ``None`` for a root, and where a state is scored as a beginning.
        tactic_logprob: the log-probability of that step; 0 where there is none.
        parent: the state before that step, with its goals; ``None`` where there is none. What a search and a recording
            of it ask is the same, so a value of steps can be learnt from trajectories.
    """

    theorem: Theorem
    state: ProofState
    depth: int
    logprob: float
    num_tokens: int
    tactic: str | None = None
    tactic_logprob: float = 0.0
    parent: ProofState | None = None


class ValueScorer(Protocol):
    """A value function. **Higher is better**, on any scale."""

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """One value a request, in order; ``None`` where it has none. Missing is not zero."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


@runtime_checkable
class FollowsPaths(Protocol):
    """A scorer whose values depend on how a state was reached: on depth, log-probability or token count.

    A state that is met again by a better path has another value then, so a search asks such a scorer anew. Every other
    scorer is asked once a state.
    """

    @property
    def follows_paths(self) -> bool:
        """Whether values depend on the path. Without this ability they don't."""


def follows_paths(scorer: ValueScorer) -> bool:
    """Whether a scorer's values depend on how a state was reached."""
    return isinstance(scorer, FollowsPaths) and scorer.follows_paths


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a scorer's value is put on one scale with log-probability (fitted on validation decisions).

    Attributes:
        value_mean, value_std: of the scorer's values.
        logprob_mean, logprob_std: of the cumulative log-probabilities.
        value_weight: weight of the standardised value against 1 − weight for log-probability, in [0, 1].
        goal_weight: subtracted from their sum for each open goal, at least 0.
        scale: above 0; the mixed priority times this is the utility of the conditional logit that the weights were
            fitted as: its softmax over siblings is the probability that the way on leads through each.
    """

    value_mean: float
    value_std: float
    logprob_mean: float
    logprob_std: float
    value_weight: float
    goal_weight: float = 1.0
    scale: float = 1.0


@runtime_checkable
class Calibrated(Protocol):
    """A scorer that knows how to be mixed with log-probability."""

    def calibration(self) -> Calibration:
        """What a checkpoint holds of it."""


class Encoder(Protocol):
    """States to vectors, frozen."""

    @property
    def width(self) -> int:
        """The number of columns of what :meth:`encode` returns."""

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite; a row is never all zeros for a failure: that raises."""

    def fingerprint(self) -> str:
        """Changes whenever the same state could be encoded differently; keys caches and checkpoints."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


class Loss(Protocol):
    """A training loss over sibling groups. Tensors are ``Any`` because the core imports no torch."""

    def __call__(self, energies: Any, batch: Any) -> Any:
        """The scalar loss of ``energies`` (shape ``(groups, members)``, lower is better) for the trainer's batch."""


@dataclass(frozen=True, slots=True)
class LossCase:
    """A batch to try a loss on. Tensors are ``Any`` because the core imports no torch.

    Attributes:
        energies: float, shape ``(groups, members)``, without a gradient; finite also where no member is.
        batch: what a loss of this trainer is called with beside the energies.
        mask: bool, the same shape; which members are there.
        positive: bool, the same shape; which of them should get a low energy.
        teaches: whether any group has something to learn from; where none has, a loss is 0.
    """

    energies: Any
    batch: Any
    mask: Any
    positive: Any
    teaches: bool = True


@runtime_checkable
class TriesLosses(Protocol):
    """A trainer whose losses are plugins, and that says what batches they can be tried on."""

    def loss_cases(self) -> Sequence[LossCase]:
        """Small batches of every shape that a training has: padded, without contrast, with several positives."""


# ---------------------------------------------------------------------------------------------------------------
# Training and running


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """How far a training is.

    Attributes:
        step: optimisation steps done; 0 as long as this session of the training has made none.
        steps: how many there will be at most.
        metrics: what was measured, by name: ``loss``, ``gap``, ``rank``, …; finite or ``nan``.
        messages: what a person should know, a sentence each: health warnings, what was left out of the data.
    """

    step: int
    steps: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    messages: Sequence[str] = ()


OnReport = Callable[[TrainingReport], None]


def unreported(report: TrainingReport) -> None:
    """Tells nobody; the default of :attr:`TrainingRequest.report`."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a trainer is asked for.

    Attributes:
        trajectories: run folders or trajectory files to learn from.
        out: the checkpoint folder to write. It may be there already and hold ``train.toml``, which isn't the trainer's.
        seed: of everything random; from 0 to 4,294,967,295.
        resume: go on from what ``out`` already holds: from the start where nothing was saved, and where the training
            is done, return at once.
        report: to be called as the training goes, in its thread; cheap, so also every step.
    """

    trajectories: Sequence[Path]
    out: Path
    seed: int = 0
    resume: bool = False
    report: OnReport = unreported


class Trainer(Protocol):
    """Turns trajectories or demonstrations into a checkpoint."""

    def train(self, request: TrainingRequest) -> Path:
        """Trains and returns the checkpoint folder, which holds a manifest (:mod:`proofsearch.checkpoint`).

        On Ctrl-C it saves what it has, so that ``resume`` goes on from there, and raises ``KeyboardInterrupt`` again.
        Theorems of the split ``test`` are not learnt from, whatever the trajectories hold.

        Raises:
            InputError: trajectories that can't be learnt from, or a checkpoint that can't be gone on with.
            StorageError: the checkpoint can't be written; an earlier one stays whole.
        """


@dataclass(frozen=True, slots=True)
class Job:
    """One theorem to be searched, the unit of work of an executor.

    Attributes:
        key: unique in the run; results are idempotent by it.
        theorem: what to prove.
        attempt: 1 for the first try.
    """

    key: str
    theorem: Theorem
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class JobResult:
    """What became of a job.

    Attributes:
        job: the job, with the attempt that gave this result.
        payload: what the worker returned; ``None`` where it died.
        failure: ``""``, or why there is no payload: ``"crashed"``, ``"timed out"``, ``"out of memory"``, ``"error"``.
        message: more about the failure, for people: one line.
        traceback: where it was raised, as text; ``""`` where nothing was raised.
    """

    job: Job
    payload: Any
    failure: str = ""
    message: str = ""
    traceback: str = ""


class Worker(Protocol):
    """Runs jobs, one at a time, in a process or thread of its own."""

    def run(self, job: Job) -> Any:
        """Does the job and returns something picklable."""

    def close(self) -> None:
        """Frees what it holds. Idempotent."""


@runtime_checkable
class TellsProgress(Protocol):
    """A worker that says how far it is while it is at a job."""

    def tell_with(self, tell: Callable[[Any], None]) -> None:
        """Takes what to call in the worker's thread with something small and picklable.

        Executors that can pass it on (:class:`HearsProgress`) call this before the first job; until then a worker tells
        nothing.
        """


WorkerFactory = Callable[[], Worker]
"""Picklable; called once in each process or thread."""


class Executor(Protocol):
    """Runs many jobs. Results come in any order; a job may run more than once but is reported once."""

    def run(self, factory: WorkerFactory, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """Yields one result a job. A worker that crashes, hangs or runs out of memory costs only its own job."""

    def close(self) -> None:
        """Stops every worker. Idempotent; also called on Ctrl-C."""


@runtime_checkable
class HearsProgress(Protocol):
    """An executor that passes on what workers tell while they are at a job (:class:`TellsProgress`).

    A person who watches then sees more; no result depends on it, and what is told may get lost.
    """

    def hear_with(self, hear: Callable[[Job, Any], None]) -> None:
        """Takes what to call with a job and what its worker tells, in the thread that takes the results."""


@runtime_checkable
class SearchObserver(Protocol):
    """Sees searches as they go. Called by the engine, in its thread; must not change the graph."""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """The root is node 0 of the graph."""

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """``node`` was expanded; its edges stand in the graph."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """The search ended."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is about, for those who watch it.

    Attributes:
        path: the run folder.
        config: the resolved configuration.
        theorems: how many theorems it is about.
        done: how many of them had a result before, where a run is resumed.
    """

    path: Path
    config: RunConfig
    theorems: int
    done: int


@runtime_checkable
class RunObserver(Protocol):
    """Sees a whole run, in the process that leads it."""

    def run_started(self, run: RunInfo) -> None:
        """The searches begin."""

    def searched(self, result: TheoremResult) -> None:
        """A theorem's result is in the run folder."""

    def run_finished(self, run: RunInfo, results: Mapping[str, TheoremResult]) -> None:
        """Every theorem has a result; not called where a run is stopped before."""


class Observer(Protocol):
    """What watches searches, chosen with ``--observe``.

    It is a :class:`SearchObserver`, a :class:`RunObserver`, or both: one instance in each worker sees that worker's
    searches, and one in the leading process sees the run. It never changes what is found: where it raises, that is said
    once and it is not told of anything more.
    """

    def close(self) -> None:
        """Frees what it holds. Idempotent."""
