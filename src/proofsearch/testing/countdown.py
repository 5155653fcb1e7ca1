"""A small prover to check components with: numbers that are brought to 0.

A goal is ``12 is 0``, a state is a set of them, and a tactic acts on the smallest:

============ =====================================================================
``dec``      ``n is 0`` follows from ``n − 1 is 0``; nothing is left of ``0 is 0``
``half``     for an even n: from ``n / 2 is 0``
``split``    from 4 on: from its two halves, the smaller one rounded down
``use NAME`` a theorem of this very statement that stands earlier
============ =====================================================================

It has all that an environment can have: moves, parts, every ability of a session, demonstrations, splits, an order, a
checker that shares no code with the steps. So encoders, scorers, generators and trainers can be tried without any
prover installed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofError, UsageError, near
from proofsearch.protocols import Builder, Environment, Session, Usage
from proofsearch.types import (
    Advanced,
    Demonstration,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    TimedOut,
    Tree,
    Verdict,
)

CHECKER = "countdown checker 1"
_SPLITS = ("train", "validation", "train", "test", "train")


class CountdownConfig(ComponentConfig):
    """Options of the environment ``countdown``."""

    size: int = Field(default=60, ge=1, le=101, description="How many theorems.")


class CountdownMoves:
    """The tactics that may apply to a state; see :class:`proofsearch.protocols.Moves`."""

    def __init__(self, session: CountdownSession, state: ProofState) -> None:
        self._session = session
        self._state = state

    def listed(self) -> list[str]:
        """The three rules, and every theorem that stands earlier."""
        return ["dec", "half", "split", *(f"use {name}" for name in self._session.earlier)]

    def admits(self, tactic: str) -> bool:
        """Whether it applies."""
        return not isinstance(self._session.step(self._state, tactic), Rejected)


class CountdownSession(Session):
    """One theorem being proved; see :class:`proofsearch.protocols.Session`.

    Args:
        number: what is to be brought to 0.
        earlier: the numbers of the theorems that may be used, by name.
    """

    def __init__(self, number: int, earlier: Mapping[str, int]) -> None:
        self._number = number
        self.earlier = earlier
        self._interrupted = False

    def initial(self) -> Outcome:
        """The number as the one goal."""
        return Advanced(_state([self._number]))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Applies a tactic to the smallest number."""
        if self._interrupted:
            return TimedOut("interrupted")
        first, *others = (int(goal.text.split()[0]) for goal in state.goals)
        match tactic.split(" "):
            case ["dec"]:
                made = [first - 1]
            case ["half"] if first % 2 == 0:
                made = [first // 2]
            case ["split"] if first >= 4:
                made = [first // 2, first - first // 2]
            case ["use", name] if self.earlier.get(name) == first:
                made = []
            case _:
                return Rejected(f"{tactic[:40]!r} does not apply to {first}")
        left = [number for number in (*made, *others) if number]
        return Advanced(_state(left)) if left else Finished()

    def step_many(self, state: ProofState, tactics: Sequence[str]) -> Iterator[Outcome]:
        """Steps by one tactic after another, each when it is asked for."""
        return (self.step(state, tactic) for tactic in tactics)

    def release(self, states: Sequence[ProofState]) -> None:
        """Holds nothing of any state."""

    def usage(self) -> Usage:
        """Nothing: a state is its text."""
        return Usage()

    def processor_seconds(self) -> float:
        """No time: it runs in this process, where its steps are measured."""
        return 0.0

    def renew(self) -> None:
        """There is nothing to make anew."""

    def interrupt(self) -> None:
        """Ends every later step at once."""
        self._interrupted = True

    def moves(self, state: ProofState) -> CountdownMoves:
        """The tactics that may apply."""
        return CountdownMoves(self, state)

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The numbers one by one: none has anything to do with another."""
        return [_state([int(goal.text.split()[0])]) for goal in state.goals]


class CountdownEnvironment(Environment):
    """The numbers and the theorems about them; see :class:`proofsearch.protocols.Environment`."""

    proof_suffix = ".countdown"

    def __init__(self, config: CountdownConfig) -> None:
        self._config = config
        self._numbers = {f"zero-{index}": 2 + index * 37 % 101 for index in range(config.size)}
        self._theorems = {
            name: Theorem(
                name,
                f"{number} is 0",
                source=f"countdown:{index + 1}",
                position=index,
                split=_SPLITS[index % len(_SPLITS)],
                proof_length=len(list(_known_proof(number))),
            )
            for index, (name, number) in enumerate(self._numbers.items())
        }

    def theorems(self) -> Sequence[Theorem]:
        """All of them."""
        return list(self._theorems.values())

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in self._theorems:
            raise UsageError(f"countdown has no theorem {name!r}{near(name, self._theorems)}")
        return self._theorems[name]

    def open(self, theorem: Theorem) -> CountdownSession:
        """A fresh session."""
        return CountdownSession(self._numbers[theorem.name], self._before(theorem))

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """A proof of each."""
        for theorem in theorems:
            path, shown = list(_known_proof(self._numbers[theorem.name])), list[Demonstration]()
            with closing(self.open(theorem)) as session:
                outcome = session.initial()
                for place, tactic in enumerate(path):
                    assert isinstance(outcome, Advanced)
                    shown.append(Demonstration(theorem, outcome.state, tactic, len(path) - place))
                    outcome = session.step(outcome.state, tactic)
            yield from shown

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """The steps, a line each, with the number that each is applied to.

        Raises:
            ProofError: the path does not finish.
        """
        lines = [f"{theorem.name}: {theorem.statement}"]
        with closing(self.open(theorem)) as session:
            outcome = session.initial()
            for place, tactic in enumerate(tactics):
                if not isinstance(outcome, Advanced):
                    raise ProofError(f"{theorem.name}: step {place} of the path ended in {outcome}")
                lines.append(f"{outcome.state.goals[0].text.split()[0]} {tactic}")
                outcome = session.step(outcome.state, tactic)
        if not isinstance(outcome, Finished):
            raise ProofError(f"{theorem.name}: the path does not finish, it ends in {outcome}")
        return "\n".join(lines) + "\n"

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Checks a proof by arithmetic alone."""
        problem, used = self._problem(theorem, proof)
        return Verdict(not problem, CHECKER, problem, tuple(sorted(used)), "" if problem else "axioms audited")

    def _problem(self, theorem: Theorem, proof: str) -> tuple[str, set[str]]:
        """What is wrong with a proof (``""``: nothing), and the rules and theorems that it uses."""
        header, *lines = proof.split("\n")
        if header != f"{theorem.name}: {theorem.statement}":
            return f"found {header[:60]!r}, expected a proof of {theorem.name}: {theorem.statement}", set()
        unproved, used = {self._numbers[theorem.name]}, set[str]()
        for line in lines[:-1]:
            text, _, tactic = line.partition(" ")
            number = int(text) if text.isascii() and text.isdigit() else -1
            rule, _, name = tactic.partition(" ")
            if number not in unproved:
                return f"{line[:60]!r}: no such goal is open", used
            unproved.remove(number)
            if tactic == "dec":
                unproved.add(number - 1)
            elif tactic == "half" and number & 1 == 0:
                unproved.add(number >> 1)
            elif tactic == "split" and number > 3:
                unproved |= {number >> 1, (number + 1) >> 1}
            elif rule != "use" or self._before(theorem).get(name) != number:
                return f"{line[:60]!r}: the rule does not apply", used
            unproved.discard(0)
            used.add(name or rule)
        return ("open are: " + ", ".join(map(str, sorted(unproved))) if unproved or lines[-1:] != [""] else ""), used

    def _before(self, theorem: Theorem) -> Mapping[str, int]:
        position = theorem.position
        assert position is not None
        return dict(list(self._numbers.items())[:position])

    def fingerprint(self) -> Mapping[str, str]:
        """The size, which is all there is."""
        return {"countdown": "1", "size": str(self._config.size)}


def make_countdown(config: CountdownConfig, builder: Builder) -> CountdownEnvironment:
    """Builds the environment."""
    return CountdownEnvironment(config)


def _known_proof(number: int) -> Iterator[str]:
    """The steps that the library takes from a number to 0."""
    numbers = [number]
    while numbers:
        first = numbers.pop(0)
        if first % 10 == 0:
            tactic, made = "split", [first // 2, first - first // 2]
        elif first % 2:
            tactic, made = "dec", [first - 1]
        else:
            tactic, made = "half", [first // 2]
        yield tactic
        numbers = sorted({*made, *numbers} - {0})


def _state(numbers: Sequence[int]) -> State:
    goals = tuple(Goal(f"{number} is 0", _tree(number)) for number in sorted(set(numbers)))
    return State("\n".join(goal.text for goal in goals), goals)


def _tree(number: int) -> Tree:
    """``n is 0`` with n written by doubling and adding 1."""
    symbols, arities = ["is"], [2]
    while number:
        symbols.append("1+" if number % 2 else "2*")
        arities.append(1)
        number = number - 1 if number % 2 else number // 2
    return Tree((*symbols, "0", "0"), (*arities, 0, 0))
