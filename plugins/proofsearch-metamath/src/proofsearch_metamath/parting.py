"""Taking a state apart into goals that have nothing to do with each other.

Goals hang together where they share a metavariable, since a step on one binds it in the other, and where a pending
``$d`` condition names a metavariable of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch_metamath.terms import Terms
from proofsearch_metamath.unification import Apart, LocalGoal

Group = tuple[list[LocalGoal], list[Apart]]
"""Goals that hang together, in the order of the state, and the conditions on their metavariables."""


def apart(goals: Sequence[LocalGoal], conditions: Sequence[Apart]) -> list[Group]:
    """The goals of a state in groups that hang together, each as small as can be, in the order of their first goals."""
    leader: dict[int, int] = {}

    def lead(meta: int) -> int:
        while (above := leader[meta]) != meta:
            leader[meta] = meta = leader[above]
        return meta

    for _, metas in goals:
        for meta in metas:
            leader.setdefault(meta, meta)
            leader[lead(meta)] = lead(metas[0])
    for one, other in conditions:
        if one in leader and other in leader:
            leader[lead(one)] = lead(other)
    groups: list[Group] = []
    by_leader: dict[int, Group] = {}
    for goal in goals:
        if goal[1]:
            group = by_leader.get(lead(goal[1][0]))
            if group is not None:
                group[0].append(goal)
                continue
            group = by_leader[lead(goal[1][0])] = ([goal], [])
        else:
            group = ([goal], [])
        groups.append(group)
    for pair in conditions:
        # One of the two may be a variable of the theorem, which stays what it is.
        by_leader[lead(pair[0] if pair[0] in leader else pair[1])][1].append(pair)
    return groups


def renumbered(
    terms: Terms, goals: Sequence[LocalGoal], conditions: Sequence[Apart]
) -> tuple[tuple[LocalGoal, ...], tuple[Apart, ...], int]:
    """Goals and conditions as a step would have left them had there been no others: metavariables numbered anew."""
    renamed: dict[int, int] = {}
    for _, metas in goals:
        for meta in metas:
            if meta not in renamed:
                renamed[meta] = terms.meta(len(renamed), terms.meta_typecode(meta))
    pairs = []
    for one, other in conditions:
        left, right = renamed.get(one, one), renamed.get(other, other)
        pairs.append((left, right) if left < right else (right, left))
    return (
        tuple([(skeleton, tuple([renamed[meta] for meta in metas])) for skeleton, metas in goals]),
        tuple(sorted(pairs)),
        len(renamed),
    )
