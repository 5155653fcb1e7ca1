"""The contract of environments: what proves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from proofsearch.types import Demonstration, Outcome, ProofState, Theorem, Verdict


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
        """Frees what the session holds; by default nothing. Idempotent."""
        return


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
        """Frees what the environment holds; by default nothing. Idempotent."""
        return


@runtime_checkable
class Demonstrates(Protocol):
    """An environment whose library holds proofs to learn from."""

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """The library's proofs of these theorems, step by step, as the search would meet them."""


@runtime_checkable
class SplitsScripts(Protocol):
    """An environment that knows where the tactics of a written script begin and end.

    Without this ability each line is a tactic.
    """

    def split_script(self, script: str) -> Sequence[str]:
        """The tactics of a proof as a model writes it, in order; none where it is no proof.

        What stands around the proof, such as the statement or a code fence, is no tactic. The tactics of a script that
        was put together of tactics, a line each, are these.
        """


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
