"""From a state and an application to the next state: metavariables bound everywhere, what closes by itself closed.

This is the plain implementation, and that which tells what became of each goal. :mod:`proofsearch_metamath._native`
has a compiled one that does the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import Apart, Application, LocalGoal, Unifier

Combined: TypeAlias = "tuple[tuple[LocalGoal, ...], tuple[Apart, ...], int] | str | None"
"""The next state's goals, its pending conditions and its number of metavariables; or why there is no next state; or
``None`` where no goal is left."""


@dataclass(frozen=True, slots=True)
class Source:
    """What became of a goal of a step, for those who replay a proof.

    ``goal`` is its index in the next state, −1 where it was closed at once by the assertion or hypothesis
    ``closed_by``.
    """

    goal: int
    closed_by: str = ""


@dataclass(slots=True)
class Trace:
    """What a step did with the goals: of the assertion's hypotheses, and of the state's other goals, in order."""

    hypotheses: list[Source]
    others: list[Source]


class Combiner:
    """Puts applications into states of one session."""

    def __init__(
        self, terms: Terms, unifier: Unifier, closed_by: Callable[[int], str | None], max_goals: int = 64
    ) -> None:
        """Keeps what states are made of.

        Args:
            terms: the session's terms.
            unifier: over these.
            closed_by: what closes a ground goal without a further step; ``None`` where nothing does.
            max_goals: a state with more goals than this is not made.
        """
        self._terms = terms
        self._unifier = unifier
        self._closed_by = closed_by
        self._max_goals = max_goals
        hashes = terms.hashes
        self._order = lambda goal: hashes[goal[0]]

    def combine(
        self,
        goals: tuple[LocalGoal, ...],
        apart: tuple[Apart, ...],
        num_metas: int,
        focus: int,
        application: Application,
        trace: Trace | None = None,
    ) -> Combined:
        """The next state: the assertion's hypotheses in place of the goal, metavariables bound everywhere.

        Args:
            goals: the state's.
            apart: its pending conditions.
            num_metas: its metavariables are numbered below this.
            focus: the index of the goal that is applied to.
            application: to that goal's skeleton.
            trace: where to write down what became of each goal. Metavariables then keep their numbers: only equal
                states' equal keys need new ones, and who traces a path compares no keys.

        Raises:
            TermTooLargeError: a goal of the next state is too large.
        """
        terms = self._terms
        skeleton, own = goals[focus]
        local: dict[int, int] = dict(zip(terms.metas[skeleton], own, strict=True))
        for number, meta in enumerate(application.fresh):
            local[meta] = terms.meta(num_metas + number, terms.meta_typecode(meta))
        made: Sequence[LocalGoal] = application.goals
        if local:
            made = [(skeleton, tuple([local[meta] for meta in metas])) for skeleton, metas in made]
        num_metas += len(application.fresh)
        if not application.bound and goals[focus] in made:
            return "leads back to its own goal"
        others = list(goals)
        del others[focus]
        pending: set[Apart] = set()
        if application.bound:
            values = {local[meta]: terms.substitute(value, local) for meta, value in application.bound.items()}
            apply_to = values.keys()
            others = [goal if apply_to.isdisjoint(goal[1]) else self._bind(goal, values) for goal in others]
            for one, other in apart:
                if one in values or other in values:
                    if not self._unifier.keep_apart(values.get(one, one), values.get(other, other), pending):
                        return "violates a $d condition"
                else:
                    pending.add((one, other))
        else:
            pending.update(apart)
        for one, other in application.apart:
            left, right = local.get(one, one), local.get(other, other)
            pending.add((left, right) if left < right else (right, left))
        return self._settle(made, others, pending, num_metas, trace)

    def _bind(self, goal: LocalGoal, values: dict[int, int]) -> LocalGoal:
        skeleton, metas = goal
        terms = self._terms
        here = {own: values.get(meta, meta) for own, meta in zip(terms.metas[skeleton], metas, strict=True)}
        return terms.canonical(terms.substitute(skeleton, here))

    def _settle(
        self,
        made: Sequence[LocalGoal],
        others: Sequence[LocalGoal],
        pending: set[Apart],
        num_metas: int,
        trace: Trace | None,
    ) -> Combined:
        """Closes what closes by itself, merges equal goals, numbers the metavariables anew."""
        terms, ops = self._terms, self._terms.ops
        places: dict[LocalGoal, None] = {}
        for goal in (*made, *others):
            if goal[1] or self._closed_by(goal[0]) is None:
                places[goal] = None
        # By skeleton, so that states that differ in the order of their goals alone are equal; by age among equals.
        # Not by the skeleton's id, which differs from session to session: a path must mean the same in each.
        ordered = sorted(places, key=self._order) if len(places) > 1 else list(places)
        if trace is not None:
            final = {goal: place for place, goal in enumerate(ordered)}
            for goals, sources in ((made, trace.hypotheses), (others, trace.others)):
                for goal in goals:
                    sources.append(Source(final[goal]) if goal in final else Source(-1, self._closed_by(goal[0]) or ""))
        if not places:
            return None
        if len(places) > self._max_goals:
            return f"more than {self._max_goals} goals"
        if trace is not None:
            held = {meta for _, metas in ordered for meta in metas}
            kept = [pair for pair in pending if all(ops[leaf] >= 0 or leaf in held for leaf in pair)]
            return tuple(ordered), tuple(kept), num_metas
        renamed: dict[int, int] = dict.fromkeys([meta for _, metas in ordered for meta in metas], -1)
        if not renamed:
            return tuple(ordered), (), 0
        same = True
        for number, meta in enumerate(renamed):
            new = terms.meta(number, terms.meta_typecode(meta))
            renamed[meta] = new
            same = same and new == meta
        if not same:
            ordered = [
                (skeleton, tuple([renamed[meta] for meta in metas])) if metas else (skeleton, metas)
                for skeleton, metas in ordered
            ]
        kept = []
        for one, other in pending:
            # A metavariable that no goal holds will be chosen last, apart from everything: no condition on it counts.
            if (ops[one] < 0 and one not in renamed) or (ops[other] < 0 and other not in renamed):
                continue
            left, right = renamed.get(one, one), renamed.get(other, other)
            kept.append((left, right) if left < right else (right, left))
        kept.sort()
        return tuple(ordered), tuple(kept), len(renamed)
