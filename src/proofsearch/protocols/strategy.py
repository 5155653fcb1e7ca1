"""The contract of strategies.

A *strategy* is a search algorithm: it says which node is expanded next and what new nodes mean for that. The loop owns
everything else: limits, asking the generator and the scorer, stepping, verification, observers and the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from proofsearch.types import ProofState, Theorem

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols.environment import Session
    from proofsearch.protocols.value import Calibration

from proofsearch.protocols.priority import Priority


@dataclass(frozen=True, slots=True)
class StrategyTraits:
    """What a strategy can be combined with.

    Attributes:
        batches: whether it can give several nodes to expand at a time (``--batch``).
        defers: whether it can put off scores (``--defer``).
        uses_priority: whether it orders by the priority that was chosen.
        adds_up: whether the priority has to add up along a path (:class:`~proofsearch.protocols.AddsUp`).
        scores_beginnings: whether every state is scored as if a search began with it, with depth, log-probability and
            token count 0 and no step before it: what is reached in many ways is to have one value.
        revisits: whether it may expand a node again. Where not, an expanded state is released.
        replays: whether it takes notice of the replayed steps of scripts (``--proposals``).
    """

    batches: bool = False
    defers: bool = False
    uses_priority: bool = True
    adds_up: bool = False
    scores_beginnings: bool = False
    revisits: bool = False
    replays: bool = False


class Choice(NamedTuple):
    """A node to be expanded.

    Attributes:
        node: which. It may have been expanded before: then only tactics that were not tried at it are tried.
        candidates: how many candidates the generator is asked for; ``None``: as many as the configuration says.
    """

    node: int
    candidates: int | None = None


class Expansion(NamedTuple):
    """One expansion that stands in the graph.

    Attributes:
        node: what was expanded.
        edges: the edges that it added: the steps tried.
        children: the nodes that it added, the states not met before.
        improved: nodes whose best path was replaced by a better one, in order, possibly repeated.
        proved_by: the edge that proves ``node``; -1 if none does.
        replayed: whether it is a step of a script that was replayed: then it is no expansion, and ``node`` is still to
            be expanded if it was before.
    """

    node: int
    edges: range
    children: range
    improved: Sequence[int]
    proved_by: int = -1
    replayed: bool = False


class SearchHandle(Protocol):
    """One search, as its strategy sees it."""

    @property
    def theorem(self) -> Theorem:
        """What is to be proved."""

    @property
    def session(self) -> Session:
        """The session. A strategy may step it, but the loop counts only its own steps."""

    @property
    def graph(self) -> SearchGraph:
        """What was found so far. A strategy writes the column ``priority``, and ``solved_by``, and nothing else."""

    @property
    def config(self) -> SearchConfig:
        """The search's configuration."""

    @property
    def priority(self) -> Priority:
        """The priority that was chosen."""

    @property
    def calibration(self) -> Calibration | None:
        """How value and log-probability are put on one scale, where the scorer knows."""

    @property
    def scored(self) -> bool:
        """Whether there is a scorer, and it is still trusted."""

    @property
    def scores_paths(self) -> bool:
        """Whether values depend on how a state was reached, so that a node with a better path has to be scored anew."""

    @property
    def refused(self) -> int:
        """How many finished paths the independent check has refused."""

    @property
    def ended(self) -> bool:
        """Whether the search is over: a proof was found, a limit reached, or it was cancelled."""

    def score(self, nodes: Sequence[int]) -> None:
        """Asks the scorer about nodes, in one call, and puts the values into the graph.

        Afterwards :attr:`scored` may be false: the scorer failed too often.
        """


class Exploration(Protocol):
    """A strategy at work on one search."""

    def exhausted(self) -> bool:
        """Whether nothing is left to expand. Asked before limits are looked at."""

    def next(self, room: int) -> Sequence[Choice]:
        """What to expand next, best first.

        Args:
            room: how many nodes at most, at least 1.
        """

    def expanded(self, expansions: Sequence[Expansion]) -> None:
        """Takes notice of what became of the choices, in their order.

        New nodes have no value yet: the strategy has them scored, and appends one row for each to the graph's column
        ``priority``. Where the search has ended nothing more will be asked of it, but what is proved is still noted.

        Behind the choices come the replayed steps of their scripts, if the strategy's traits say that it ``replays``.
        """

    def proof(self, node: int, tactic: str) -> tuple[str, ...] | None:
        """The path that proves the theorem now that a tactic proves a node; ``None`` if more is missing.

        Raises:
            NoProofError: what was found makes no proof of the theorem; counted as a refused proof.
        """


@runtime_checkable
class TakesApart(Protocol):
    """An exploration whose nodes are parts of states; a step leads to several, all of which are to be proved."""

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The parts of a state, at least one; the first has the state's first goal."""

    def closes(self, parts: Sequence[ProofState]) -> bool:
        """Whether all of these are proved, so that a step to them proves where it starts."""

    def ways(self, edge: int) -> Iterator[tuple[str, ...]]:
        """The paths that prove the theorem once a refused edge is known to prove where it starts."""

    def accept(self, edge: int) -> None:
        """Takes the path that :meth:`ways` gave last as a proof."""


class NoProofError(Exception):
    """What was proved in parts makes no proof of the whole; the message says where."""


class Strategy(Protocol):
    """A search algorithm. One object serves every search of a worker; :meth:`begin` makes what one search needs."""

    @property
    def traits(self) -> StrategyTraits:
        """What it can be combined with; the same at any time."""

    def begin(self, search: SearchHandle) -> Exploration:
        """Begins a search whose graph holds the root alone."""
