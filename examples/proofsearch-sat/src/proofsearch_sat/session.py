"""Steps: a goal is a formula under some decisions, and a tactic decides one variable more, both ways.

What a decision implies is found by the unit propagation of a real solver. A case that comes to a contradiction is
closed by that; any other is a goal. So a proof is the tree of a DPLL search (Davis, Logemann and Loveland 1962), and a
search looks for a small one.
"""

from __future__ import annotations

from dataclasses import dataclass

from pysat.solvers import Solver

from proofsearch import Advanced, Finished, Goal, Outcome, ProofState, Rejected, State
from proofsearch_sat.clauses import Clause, reduced, variables, written

SPLIT = "split "
"""How every tactic begins; a variable follows."""


@dataclass(frozen=True, slots=True)
class Case:
    """An open goal: what was decided on the way to it, and what is left of the formula."""

    decisions: tuple[int, ...]
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """What a tactic does to the first goal: the cases of a variable, those that are closed at once first."""

    closed: tuple[tuple[int, ...], ...]
    open: tuple[Case, ...]


class Propagation:
    """PySAT's unit propagation on one formula.

    Args:
        clauses: the formula.
    """

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        self._clauses = clauses
        # Unit clauses are given as assumptions: the solver doesn't tell what follows from its own.
        self._units = [clause[0] for clause in clauses if len(clause) == 1]
        self._contradiction = () in clauses
        self._solver = Solver(name="minisat22", bootstrap_with=[clause for clause in clauses if len(clause) > 1])

    def implied(self, decisions: tuple[int, ...]) -> list[int] | None:
        """What holds where these literals do, themselves included; ``None`` for a contradiction."""
        if self._contradiction:
            return None
        consistent, literals = self._solver.propagate(assumptions=[*self._units, *decisions])
        return list(literals) if consistent else None

    def case(self, decisions: tuple[int, ...]) -> Case | None:
        """The goal that is left under these decisions; ``None`` where they are contradictory."""
        implied = self.implied(decisions)
        return None if implied is None else Case(decisions, reduced(self._clauses, set(implied)))

    def split(self, case: Case, variable: int) -> Split:
        """Both cases of a variable: it holds first."""
        closed: list[tuple[int, ...]] = []
        left: list[Case] = []
        for literal in (variable, -variable):
            decisions = (*case.decisions, literal)
            found = self.case(decisions)
            if found is None:
                closed.append(decisions)
            else:
                left.append(found)
        return Split(tuple(closed), tuple(left))

    def close(self) -> None:
        """Frees the solver. Idempotent."""
        self._solver.delete()


class Moves:
    """The tactics that apply to a goal; see :class:`proofsearch.protocols.Moves`."""

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        self._clauses = clauses

    def listed(self) -> list[str]:
        """One for each variable of the goal, in order."""
        return [f"{SPLIT}{variable}" for variable in variables(self._clauses)]

    def admits(self, tactic: str) -> bool:
        """Whether the tactic applies."""
        return decided(tactic, self._clauses) is not None


class Session:
    """One formula being refuted; see :class:`proofsearch.protocols.Session`.

    A state holds all that a step needs, and the solver nothing but the formula: any earlier state can be stepped.
    """

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        self.propagation = Propagation(clauses)

    def initial(self) -> Outcome:
        """The whole formula, after what follows without any decision."""
        root = self.propagation.case(())
        return Finished() if root is None else _outcome((root,))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Decides a variable of the first goal. Whatever the tactic, it returns an outcome."""
        first, *others = cases_of(state)
        variable = decided(tactic, first.clauses)
        if variable is None:
            return Rejected(f"{tactic[:40]!r} is not {SPLIT!r} with a variable that occurs in the first goal")
        return _outcome((*self.propagation.split(first, variable).open, *others))

    def moves(self, state: ProofState) -> Moves:
        """The tactics that apply."""
        return Moves(cases_of(state)[0].clauses)

    def close(self) -> None:
        """Frees the solver. Idempotent."""
        self.propagation.close()


def cases_of(state: ProofState) -> tuple[Case, ...]:
    """The goals of a state as the session made them."""
    assert isinstance(state, State)
    assert isinstance(state.handle, tuple)
    return state.handle


def decided(tactic: str, clauses: tuple[Clause, ...]) -> int | None:
    """The variable that a tactic splits on; ``None`` where it does not apply to the goal."""
    number = tactic.removeprefix(SPLIT)
    if f"{SPLIT}{number}" != tactic or not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    variable = int(number)
    # Written in one way only: equal steps are equal tactics.
    return variable if str(variable) == number and variable in variables(clauses) else None


def _outcome(cases: tuple[Case, ...]) -> Outcome:
    if not cases:
        return Finished()
    goals = tuple(Goal(written(case.clauses)) for case in cases)
    return Advanced(State("\n".join(goal.text for goal in goals), goals, cases))
