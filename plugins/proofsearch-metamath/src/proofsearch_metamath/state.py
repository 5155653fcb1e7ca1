"""A state of a Metamath search as a value, its goals as they are shown, and the moves from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from proofsearch import Goal, Rejected
from proofsearch_metamath.unification import Apart, LocalGoal

if TYPE_CHECKING:
    from proofsearch_metamath.session import MetamathSession


class MetamathState:
    """A state: see :class:`proofsearch.types.ProofState`.

    Attributes:
        session: where it can be stepped.
        open: the goals, in an order that depends on them and on the steps alone, not on the session.
        apart: the pending ``$d`` conditions.
        num_metas: metavariables are numbered below this.
        key: goals and conditions.
    """

    __slots__ = ("_focus", "apart", "key", "num_metas", "open", "session")

    def __init__(
        self, session: MetamathSession, goals: tuple[LocalGoal, ...], apart: tuple[Apart, ...], num_metas: int
    ) -> None:
        self.session = session
        self.open = goals
        self.apart = apart
        self.num_metas = num_metas
        self._focus = 0 if len(goals) == 1 else -1
        self.key = (goals, apart)

    @property
    def num_goals(self) -> int:
        """How many goals are open."""
        return len(self.open)

    @property
    def focus(self) -> int:
        """The index in :attr:`open` of the goal that the next tactic acts on: that with the fewest moves."""
        if self._focus < 0:
            self._focus = self.session.choices.choose(self.open)
        return self._focus

    @property
    def goals(self) -> Sequence[Goal]:
        """The goals as encoders see them, the first one first; each is made when it is asked for."""
        return _Goals(self)

    @property
    def text(self) -> str:
        """The goals, the pending ``$d`` and the theorem's hypotheses, a line each."""
        return self.session.rendering.text(self)

    def __repr__(self) -> str:
        return f"MetamathState({self.text!r})"


class _Goals(Sequence[Goal]):
    """The goals of a state; a policy reads the first one of thousands of states, so the others wait."""

    __slots__ = ("_state",)

    def __init__(self, state: MetamathState) -> None:
        self._state = state

    def __len__(self) -> int:
        return len(self._state.open)

    def __iter__(self) -> Iterator[Goal]:
        return iter(self._state.session.rendering.goals(self._state))

    @overload
    def __getitem__(self, index: int) -> Goal: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Goal]: ...

    def __getitem__(self, index: int | slice) -> Goal | Sequence[Goal]:
        rendering = self._state.session.rendering
        return rendering.first_goal(self._state) if index == 0 else rendering.goals(self._state)[index]


class MetamathMoves:
    """The moves of one state: see :class:`proofsearch.protocols.Moves`."""

    __slots__ = ("_state",)

    def __init__(self, state: MetamathState) -> None:
        self._state = state

    def listed(self) -> list[str]:
        """Every hypothesis and assertion whose conclusion may unify with the first goal."""
        state = self._state
        return state.session.choices.moves_of(state.open[state.focus][0])

    def admits(self, tactic: str) -> bool:
        """Whether the tactic applies; the step that follows reuses the work."""
        return not isinstance(self._state.session.step(self._state, tactic), Rejected)

    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        """The places of the first ``n`` tactics that apply; see :class:`proofsearch.protocols.AdmitsMany`."""
        return self._state.session.admitted(self._state, tactics, n)
