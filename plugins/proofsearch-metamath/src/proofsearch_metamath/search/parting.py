"""Taking a state apart into goals that have nothing to do with each other.

Goals hang together where they share a metavariable, since a step on one binds it in the other, and where a pending
``$d`` condition names a metavariable of each.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import Apart, LocalGoal

Group = tuple[list[LocalGoal], list[Apart]]
"""Goals that hang together, in the order of the state, and the conditions on their metavariables."""


def split_goals(goals: Sequence[LocalGoal], conditions: Sequence[Apart]) -> list[Group]:
    """The goals of a state in groups that hang together, each as small as can be, in the order of their first goals."""
    if _chained(goals):
        return [(list(goals), list(conditions))]
    members: list[list[int]] = []  # of each group, its goals; none where it was joined to an earlier one
    home: dict[int, int] = {}  # the group of each metavariable

    def join(left: int, right: int) -> int:
        kept, joined = (left, right) if left < right else (right, left)
        members[kept] += members[joined]
        members[joined] = []
        for meta, group in home.items():
            if group == joined:
                home[meta] = kept
        return kept

    for number, (_, metas) in enumerate(goals):
        mine = len(members)
        members.append([number])
        for meta in metas:
            theirs = home.setdefault(meta, mine)
            if theirs != mine:
                mine = join(mine, theirs)
    for left, right in conditions:
        # One of the two may be a variable of the theorem, which stays what it is.
        if left in home and right in home and home[left] != home[right]:
            join(home[left], home[right])
    groups: dict[int, Group] = {
        number: ([goals[goal] for goal in sorted(group)], []) for number, group in enumerate(members) if group
    }
    for pair in conditions:
        groups[home[pair[0]] if pair[0] in home else home[pair[1]]][1].append(pair)
    return list(groups.values())


def _chained(goals: Sequence[LocalGoal]) -> bool:
    """Whether each goal shares a metavariable with one before it: the usual case, and quickly seen."""
    met = set(goals[0][1])
    for _, metas in goals[1:]:
        if met.isdisjoint(metas):
            return False
        met.update(metas)
    return True


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
    for left, right in conditions:
        left, right = renamed.get(left, left), renamed.get(right, right)
        pairs.append((left, right) if left < right else (right, left))
    return (
        tuple([(skeleton, tuple([renamed[meta] for meta in metas])) for skeleton, metas in goals]),
        tuple(sorted(pairs)),
        len(renamed),
    )
