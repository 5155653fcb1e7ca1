"""The contract of policies: what suggests tactics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

from proofsearch.protocols.environment import Moves
from proofsearch.types import Candidate, ProofState, Theorem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@dataclass(frozen=True, slots=True)
class Script:
    """A whole proof as a policy proposes it: tactics that are to be tried one after the other.

    Attributes:
        steps: the tactics, at least one. The log-probability of each is that of the tactic where the script has been
            written up to it; their sum is that of the script.
    """

    steps: tuple[Candidate, ...]


Suggested = TypeVar("Suggested", bound=Candidate | Script)


class Suggestions(list[Suggested], Generic[Suggested]):
    """The candidates, or the scripts, of one request, with the tokens that they took.

    A policy that reads and writes tokens answers with these instead of plain lists, so that searches can be compared
    at equal tokens. What it worked out before and kept counts where it is used.

    Args:
        candidates: as :meth:`TacticGenerator.generate` answers them, or :meth:`ProposesScripts.propose_scripts`.
        tokens_in: tokens of the prompts that were read for them, at least 0.
        tokens_out: tokens that were written, those of answers of which nothing came included, at least 0.
    """

    __slots__ = ("tokens_in", "tokens_out")

    def __init__(self, candidates: Iterable[Suggested] = (), *, tokens_in: int, tokens_out: int) -> None:
        super().__init__(candidates)
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out

    def __reduce__(self) -> tuple[object, ...]:
        return _suggestions, (list(self), self.tokens_in, self.tokens_out)


def _suggestions(candidates: list[Suggested], tokens_in: int, tokens_out: int) -> Suggestions[Suggested]:
    return Suggestions(candidates, tokens_in=tokens_in, tokens_out=tokens_out)


class TacticGenerator(Protocol):
    """A policy: suggests tactics for states."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates; an empty list where it has none.

        Those of a policy that counts its tokens are :class:`Suggestions`.
        """

    def close(self) -> None:
        """Frees what it holds; by default nothing. Idempotent."""
        return


@runtime_checkable
class ProposesScripts(Protocol):
    """A policy that can propose whole proofs, as ``--proposals scripts`` and ``both`` need.

    A search replays a script step by step: where it goes wrong, what it reached before stays.
    """

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        """At most ``n`` scripts a request that begin at its state, best first, without duplicates.

        An empty list where it has none. Those of a policy that counts its tokens are :class:`Suggestions`.
        """


@dataclass(frozen=True, slots=True)
class PolicyStatistics:
    """How sure a policy is at a state. ``nan`` stands for what it can't say: missing is not zero.

    A policy that writes tactics token by token may say it of the next token instead, which costs no tactic; then all
    states are to be judged so.

    The negative log-sum-exp of a classifier's logits is an energy of its input (Grathwohl et al. 2020,
    arXiv:1912.03263; Liu et al. 2020, arXiv:2010.03759).

    Attributes:
        best: log-probability of the likeliest tactic, in nats, at most 0.
        second: log-probability of the second likeliest; ``nan`` where there is none.
        entropy: of the distribution over the tactics that it considered, in nats, at least 0.
        log_sum_exp: of its logits, where it has logits of whole tactics.
        moves: how many tactics it considered; where it can't list them, how many it suggested.
        admitted: share of those asked about that apply, in [0, 1], where the environment can tell.
        mass: probability of the eight likeliest together, in [0, 1].
        closes: 1 where a hypothesis may close the first goal, else 0.
        goals: the same of each open goal as if it stood alone, in the order of the state; empty where it can't say.
    """

    best: float = nan
    second: float = nan
    entropy: float = nan
    log_sum_exp: float = nan
    moves: float = nan
    admitted: float = nan
    mass: float = nan
    closes: float = nan
    goals: tuple[PolicyStatistics, ...] = ()


@runtime_checkable
class ReportsStatistics(Protocol):
    """A policy that says how sure it is at a state, without being asked to expand it.

    The policy at a state's parent can't know that, so it is what a value adds to log-probability most cheaply.
    """

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[PolicyStatistics | None]:
        """One answer a request, in order; ``None`` for a state that it can't judge. Siblings come in one call.

        What was computed is kept, within bounds, and used when :meth:`TacticGenerator.generate` is asked for the same
        theorem and state: only states that are never expanded cost extra.

        Args:
            requests: the states.
            n: how many candidates the search asks for where it expands one of them.
        """


SUMMARY = (
    *("best", "second", "entropy", "log_sum_exp", "log_moves", "admitted", "mass", "closes", "dead"),
    *("sum of best of goals", "least best of goals", "largest best of goals"),
    *("sum of entropy of goals", "least entropy of goals", "largest entropy of goals"),
    *("sum of mass of goals", "least mass of goals", "largest mass of goals"),
    *("sum of log_sum_exp of goals", "least log_sum_exp of goals", "largest log_sum_exp of goals"),
    "dead goals",
)
"""What a value reads of :class:`PolicyStatistics`: those of the state, with the logarithm of 1 + the number of moves,
and whether there is no candidate at all; then, over the goals, sum, least and largest of what is known, and for how
many of them there is no candidate. ``nan`` stands for what the policy can't say."""


@runtime_checkable
class SumsUpStatistics(Protocol):
    """A policy that reports statistics, and can say what a value reads of them at less cost than by goal.

    It finds out by itself what may be tried, so requests need not say it.
    """

    def summaries(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[float] | None]:
        """The numbers of :data:`SUMMARY` for each state, in order; ``None`` for one that it can't judge.

        They are those that :func:`proofsearch.models.confidence.summary_of` makes of the statistics.
        """


@runtime_checkable
class RepresentsStates(Protocol):
    """A policy that gives the vectors by which it knows states, to be read by a value."""

    @property
    def representation_width(self) -> int:
        """The number of columns of what :meth:`represent` returns."""

    def represent(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """Shape ``(len(requests), representation_width)``, finite."""


@runtime_checkable
class Fingerprinted(Protocol):
    """A policy whose statistics and vectors can be told from those of another one."""

    def fingerprint(self) -> str:
        """Changes whenever the same state could get other statistics, vectors or candidates."""
