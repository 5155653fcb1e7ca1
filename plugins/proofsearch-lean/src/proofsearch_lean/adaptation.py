"""Tactics of one goal put into the words of another: local names are replaced by their counterparts.

``exact hp``, done where ``hp : p`` stands before ``⊢ p``, is ``exact h₂`` where ``h₂ : b`` stands before ``⊢ b``. Which
name corresponds to which is found by aligning the goals: what is to be shown first, then the types of the hypotheses
that the tactic names, each alignment binding more names. Names that a tactic gives anew keep their spelling unless that
is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from proofsearch_lean.goals import INACCESSIBLE, ReadGoal, read_goal

_NAME = re.compile(r"(?<![\w.'✝«])([^\W\d][\w'!?✝]*)")
"""The first part of each name in a tactic: what is local has no dots before it."""
_BEAM = 8
_MOST = 4
"""Versions of one tactic that are suggested."""
_UNBOUND = 0.8
"""How much two local names are worth that nothing binds to each other yet, where equal words are worth 1."""
_LEAST = 0.05
"""A counterpart that is less like it than this is none."""
_ELSEWHERE = 0.9
"""What each place that hypotheses are apart, counted from the goal's end, is worth: of equals, neighbours in order."""


@dataclass(frozen=True, slots=True)
class _Alignment:
    names: Mapping[str, str]
    score: float


def adapt(tactic: str, there: str, here: str) -> list[tuple[str, float]]:
    """What a tactic that was taken at one goal would be at another.

    Args:
        tactic: what was done.
        there: the text of the goal where it was.
        here: that of the goal where something is to be done.

    Returns:
        At most four tactics with weights in (0, 1] for how well they fit, best first; the tactic itself where it names
        nothing local; nothing where a name has no counterpart.
    """
    old, new = read_goal(there), read_goal(here)
    spelt = dict.fromkeys(_NAME.findall(tactic))
    used = [name for name in spelt if name in old.types]
    given = [name for name in spelt if name in new.types and name not in old.types]
    beam = [_Alignment(_bound({}, old.target, new.target, old, new), 1.0)]
    for name in used:
        wider = [wide for narrow in beam for wide in _counterparts(name, narrow, old, new)]
        beam = sorted(wider, key=lambda alignment: -alignment.score)[:_BEAM]
    found: dict[str, float] = {}
    for alignment in beam:
        renaming = {name: alignment.names[name] for name in used}
        for name in given:
            renaming[name] = _fresh(name, {*new.types, *spelt, *renaming.values()})
        found.setdefault(_renamed(tactic, renaming), alignment.score)
    return list(found.items())[:_MOST]


def _renamed(tactic: str, names: Mapping[str, str]) -> str:
    """A tactic with other names in it."""
    return _NAME.sub(lambda match: names.get(match[0], match[0]), tactic)


def _counterparts(name: str, so_far: _Alignment, old: ReadGoal, new: ReadGoal) -> Iterator[_Alignment]:
    """The ways to extend an alignment by a counterpart of a hypothesis."""
    kind = old.types[name]
    place = len(old.types) - list(old.types).index(name)
    taken = {other for known, other in so_far.names.items() if known != name}
    for number, (other, type_here) in enumerate(new.types.items()):
        if INACCESSIBLE in other:
            continue
        likeness = _likeness(kind, type_here, so_far.names, old, new)
        bound = so_far.names.get(name)
        if bound is not None and bound != other:
            likeness *= _LEAST
        elif bound is None and other in taken:
            likeness *= _UNBOUND
        if likeness < _LEAST:
            continue
        apart = abs(place - (len(new.types) - number))
        names = _bound(so_far.names, kind, type_here, old, new)
        yield _Alignment({**names, name: other}, so_far.score * likeness * _ELSEWHERE ** min(apart, 4))


def _matched(there: Sequence[str], here: Sequence[str], old: ReadGoal, new: ReadGoal) -> list[tuple[str, str]]:
    """The words that stand in equal places, from either end as far as words are equal or both local."""

    def like(first: str, second: str) -> bool:
        return first == second or (_base(first) in old.types and _base(second) in new.types)

    shorter = min(len(there), len(here))
    front = 0
    while front < shorter and like(there[front], here[front]):
        front += 1
    back = 0
    while back < shorter - front and like(there[-1 - back], here[-1 - back]):
        back += 1
    pairs = list(zip(there[:front], here[:front], strict=True))
    return pairs + list(zip(there[len(there) - back :], here[len(here) - back :], strict=True))


def _bound(
    names: Mapping[str, str], there: Sequence[str], here: Sequence[str], old: ReadGoal, new: ReadGoal
) -> dict[str, str]:
    """The names with those that matching two types binds besides; the first binding of a name holds."""
    bound = dict(names)
    for first, second in _matched(there, here, old, new):
        name, other = _base(first), _base(second)
        if name in old.types and other in new.types and len(old.types[name]) and name not in bound:
            bound[name] = other
    return bound


def _likeness(
    there: Sequence[str], here: Sequence[str], names: Mapping[str, str], old: ReadGoal, new: ReadGoal
) -> float:
    """How much alike two types are, in [0, 1], as far as names are known to correspond."""
    total = 0.0
    for first, second in _matched(there, here, old, new):
        name, other = _base(first), _base(second)
        if name not in old.types:
            total += 1
        elif name not in names:
            total += _UNBOUND
        elif names[name] == other:
            total += 1
        else:
            total += _LEAST
    return total / max(len(there), len(here), 1)


def _base(word: str) -> str:
    return word.split(".", 1)[0]


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    return name
