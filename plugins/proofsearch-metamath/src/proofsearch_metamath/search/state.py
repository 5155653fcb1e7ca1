"""A state of a Metamath search as a value, its goals as they are shown, and the moves from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, TypeAlias, overload

from proofsearch import Goal, Outcome, Rejected
from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import Apart, LocalGoal
from proofsearch_metamath.search.keys import decode_key

_Opened: TypeAlias = "tuple[tuple[LocalGoal, ...], tuple[Apart, ...]]"


class Chooses(Protocol):
    """What a state asks about its goals: :class:`~proofsearch_metamath.search.choices.Choices`."""

    def choose(self, goals: tuple[LocalGoal, ...]) -> int:
        """The index of the goal that comes first."""

    def moves_of(self, skeleton: int) -> list[str]:
        """What may be tried on a goal."""


class Renders(Protocol):
    """What shows a state: :class:`~proofsearch_metamath.search.rendering.Rendering`."""

    def text(self, state: MetamathState) -> str:
        """The text of a state."""

    def first_goal(self, state: MetamathState) -> Goal:
        """The goal that the next tactic acts on."""

    def goals(self, state: MetamathState) -> tuple[Goal, ...]:
        """All goals, the first one first."""


class Steps(Protocol):
    """What states know of their session, a :class:`~proofsearch_metamath.search.session.MetamathSession`."""

    @property
    def terms(self) -> Terms:
        """The terms that goals are made of."""

    @property
    def choices(self) -> Chooses:
        """What can be done about goals."""

    @property
    def rendering(self) -> Renders:
        """What shows states."""

    def step(self, state: MetamathState, tactic: str) -> Outcome:
        """Applies a tactic."""

    def admitted(self, state: MetamathState, tactics: Iterable[str], n: int) -> list[int]:
        """The places of the first ``n`` tactics that apply."""


class MetamathState:
    """A state: see :class:`proofsearch.types.ProofState`.

    A search makes a hundred states for each that it expands, so a state is its key and all else is made of that when it
    is asked for. What holds it differs: :class:`PlainState`, or a compiled object (:func:`state_type`).

    Attributes:
        session: where it can be stepped.
        key: goals and conditions, see :mod:`proofsearch_metamath.search.keys`.
        num_goals: how many goals are open.
        num_metas: metavariables are numbered below this.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        session: Steps
        key: bytes
        num_goals: int
        num_metas: int
        _focus: int
        _opened: _Opened | None

        def __init__(self, session: Steps, key: bytes, num_metas: int) -> None: ...

    @property
    def open(self) -> tuple[LocalGoal, ...]:
        """The goals, in an order that depends on them and on the steps alone, not on the session."""
        return self._taken_apart()[0]

    @property
    def apart(self) -> tuple[Apart, ...]:
        """The pending ``$d`` conditions."""
        return self._taken_apart()[1]

    def _taken_apart(self) -> _Opened:
        if self._opened is None:
            # What the classes below have a place for.
            self._opened = decode_key(self.session.terms, self.key)  # type: ignore[misc]
        return self._opened

    @property
    def focus(self) -> int:
        """The index in :attr:`open` of the goal that the next tactic acts on: that with the fewest moves."""
        if self._focus < 0:
            self._focus = self.session.choices.choose(self.open)  # type: ignore[misc]
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


class PlainState(MetamathState):
    """A state of a session without compiled parts."""

    __slots__ = ("_focus", "_opened", "key", "num_goals", "num_metas", "session")

    def __init__(self, session: Steps, key: bytes, num_metas: int) -> None:
        self.session = session
        self.key = key
        self.num_metas = num_metas
        self.num_goals = memoryview(key).cast("i")[0]
        self._focus = 0 if self.num_goals == 1 else -1
        self._opened = None


@cache
def state_type(compiled: ModuleType | None) -> type[MetamathState]:
    """The class of a session's states: of one with the compiled module, or of one without."""
    if compiled is None:
        return PlainState
    return type("CompiledState", (MetamathState, compiled.Handle), {"__slots__": (), "__module__": __name__})


class _Goals(Sequence[Goal]):
    """The goals of a state; a policy reads the first one of thousands of states, so the others wait."""

    __slots__ = ("_state",)

    def __init__(self, state: MetamathState) -> None:
        self._state = state

    def __len__(self) -> int:
        return self._state.num_goals

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
