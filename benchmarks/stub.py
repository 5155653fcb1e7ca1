"""A prover and a policy that take no time, so that what remains is the cost of the search itself."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch import Advanced, Candidate, Goal, Outcome, Theorem
from proofsearch.protocols import GenerationRequest

STATE_CHARACTERS = 200
FIRST_NUMBER = 10**9
PADDING = "x" * (STATE_CHARACTERS - len(str(FIRST_NUMBER)))
THEOREM = Theorem("stub", "no tactic ever finishes it")


class StubState:
    """An open proof whose text is fresh; the key is the number in it."""

    __slots__ = ("key", "text")
    num_goals = 1

    def __init__(self, number: int) -> None:
        self.key: int | str = number
        self.text = PADDING + str(FIRST_NUMBER + number)

    @property
    def goals(self) -> Sequence[Goal]:
        """One goal, made when asked for."""
        return (Goal(self.text),)


class TextKeyedState(StubState):
    """The same with its text as the key, as most environments have it."""

    __slots__ = ()

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.key = self.text


class StubSession:
    """Every tactic advances, to a state that was never seen."""

    def __init__(self, state: type[StubState] = StubState) -> None:
        self._state = state
        self._made = 0

    def initial(self) -> Outcome:
        """The first state."""
        return self.step(None, "")

    def step(self, state: object, tactic: str) -> Outcome:
        """A fresh state."""
        self._made += 1
        return Advanced(self._state(self._made))

    def close(self) -> None:
        """Nothing to free."""


class StubGenerator:
    """The same candidates for every state: a policy with its answer at hand."""

    def __init__(self, branching: int) -> None:
        self._candidates = [Candidate(f"tactic {i}", -0.1 - 0.3 * i) for i in range(branching)]

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """The first ``n``."""
        return [self._candidates[:n] for _ in requests]

    def close(self) -> None:
        """Nothing to free."""
