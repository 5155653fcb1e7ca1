"""The environment ``sat``: formulas to be refuted, demonstrations by lookahead, proofs as DRUP files."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib.metadata import version

from proofsearch import Advanced, Demonstration, Finished, ProofState, Theorem, Verdict
from proofsearch.errors import ProofError, UsageError
from proofsearch.protocols import Environment
from proofsearch_sat.checker import CHECKER, heading, problem_of
from proofsearch_sat.clauses import Clause, tidy, variables, written
from proofsearch_sat.families import Problem
from proofsearch_sat.session import SPLIT, Case, Propagation, Session, cases_of, decided

LONGEST_DEMONSTRATION = 200
"""Steps after which a demonstration is given up."""


class SatEnvironment(Environment):
    """Unsatisfiable formulas; see :class:`proofsearch.protocols.Environment`.

    Whether a formula is satisfiable is not looked at: then it has no proof.

    Args:
        problems: reads the formulas; called when they are first asked for.
    """

    proof_suffix = ".drup"

    def __init__(self, problems: Callable[[], Iterable[Problem]]) -> None:
        self._problems = problems
        self._read: dict[str, tuple[Theorem, tuple[Clause, ...]]] = {}

    def theorems(self) -> Sequence[Theorem]:
        """All of them, in order.

        Raises:
            InputError: the folder has no formula, or one that can't be read.
        """
        return [theorem for theorem, _ in self._formulas().values()]

    def theorem(self, name: str) -> Theorem:
        """Looks a theorem up.

        Raises:
            UsageError: there is none of that name.
        """
        return self._formula(name)[0]

    def open(self, theorem: Theorem) -> Session:
        """A fresh session."""
        return Session(self._formula(theorem.name)[1])

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        """Refutations in which each variable was chosen by what both of its cases imply; none where that is long."""
        for theorem in theorems:
            steps = self._demonstrated(theorem)
            for place, (state, tactic) in enumerate(steps):
                yield Demonstration(theorem, state, tactic, len(steps) - place)

    def write_proof(self, theorem: Theorem, tactics: Sequence[str]) -> str:
        """A finished path as a DRUP file: for every case that was closed, that its decisions don't hold together.

        Raises:
            ProofError: the path does not finish.
        """
        with closing(self.open(theorem)) as session:
            outcome = session.initial()
            closed, split = list[tuple[int, ...]](), list[tuple[int, ...]]()
            for number, tactic in enumerate(tactics, start=1):
                if not isinstance(outcome, Advanced):
                    raise ProofError(f"{theorem.name}: the path goes on after step {number - 1}, which gave {outcome}")
                first = cases_of(outcome.state)[0]
                variable = decided(tactic, first.clauses)
                if variable is not None:
                    split.append(first.decisions)
                    closed += session.propagation.split(first, variable).closed
                outcome = session.step(outcome.state, tactic)
        if not isinstance(outcome, Finished):
            raise ProofError(f"{theorem.name}: the path does not finish, it ends with {outcome}")
        # A case that was split further follows from its two: those that were split last come first.
        lines = [[-literal for literal in decisions] for decisions in [*closed, *reversed(split or [()])]]
        return "\n".join([heading(theorem.statement), *(" ".join(map(str, [*line, 0])) for line in lines), ""])

    def verify(self, theorem: Theorem, proof: str) -> Verdict:
        """Has a proof checked by what knows the formula alone."""
        problem = problem_of(self._formula(theorem.name)[0].statement, proof)
        return Verdict(not problem, CHECKER, problem, tier="" if problem else "kernel")

    def fingerprint(self) -> Mapping[str, str]:
        """The versions, and a hash of all formulas."""
        formulas = "\n".join(f"{theorem.name}: {theorem.statement}" for theorem in self.theorems())
        return {
            "proofsearch-sat": version("proofsearch-sat"),
            "python-sat": version("python-sat"),
            "formulas": hashlib.sha256(formulas.encode()).hexdigest(),
        }

    def _formulas(self) -> Mapping[str, tuple[Theorem, tuple[Clause, ...]]]:
        if not self._read:
            for problem in self._problems():
                clauses = tidy(problem.clauses)
                theorem = Theorem(problem.name, written(clauses), problem.about, split=_split_of(problem.name))
                self._read[problem.name] = theorem, clauses
        return self._read

    def _formula(self, name: str) -> tuple[Theorem, tuple[Clause, ...]]:
        known = self._formulas()
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(f"there is no theorem {name!r}{f'; did you mean {near[0]}?' if near else ''}")
        return known[name]

    def _demonstrated(self, theorem: Theorem) -> list[tuple[ProofState, str]]:
        steps: list[tuple[ProofState, str]] = []
        with closing(self.open(theorem)) as session:
            outcome = session.initial()
            while isinstance(outcome, Advanced):
                first = cases_of(outcome.state)[0]
                if not first.clauses or len(steps) == LONGEST_DEMONSTRATION:
                    return []
                tactic = f"{SPLIT}{_looked_ahead(session.propagation, first)}"
                steps.append((outcome.state, tactic))
                outcome = session.step(outcome.state, tactic)
        return steps


def _looked_ahead(propagation: Propagation, case: Case) -> int:
    """The variable both of whose cases imply much, by the product, then the sum (Heule and van Maaren 2009)."""

    def implied(literal: int) -> int:
        found = propagation.implied((*case.decisions, literal))
        return 1000 if found is None else len(found)

    def worth(variable: int) -> tuple[int, int, int]:
        one, other = implied(variable) - len(case.decisions), implied(-variable) - len(case.decisions)
        return one * other, one + other, -variable

    return max(variables(case.clauses), key=worth)


def _split_of(name: str) -> str:
    """The split, by the name alone, so that a new formula moves no other: half train, a quarter each for the others."""
    bucket = hashlib.sha256(name.encode()).digest()[0] % 4
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"
