"""Variables for what a proof leaves open.

Each gets one of its own that the theorem doesn't use, as long as there are enough. Where they run out, several share
one, and the theorem's own variables serve too: whatever no ``$d`` condition forbids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from proofsearch_metamath.database.model import Floating, Pair
from proofsearch_metamath.library.library import Library

MAX_CHOICES = 100_000
"""How many choices are tried where variables are short."""


def active_floats(library: Library, position: int) -> dict[str, Floating]:
    """The ``$f`` that are active at a position, by variable, in the database's order."""
    active: dict[str, Floating] = {}
    for number, (first, end) in enumerate(library.tables.arrays["float_spans"].tolist()):
        if first <= position < end:
            floating = library.frames.floating(number)
            active.setdefault(floating.variable, floating)
    return active


def choose(
    dummies: Mapping[int, str],
    floats: Mapping[str, Floating],
    own: Collection[str],
    apart: Iterable[tuple[int | str, int | str]],
    disjoint: Collection[Pair],
) -> dict[int, str] | str:
    """Gives each dummy a variable of its typecode.

    Args:
        dummies: the typecode of each, in the order in which they are served.
        floats: the variables that there are; those that are not the theorem's are kept apart from everything by a
            ``$d`` of the proof's own.
        own: the theorem's variables.
        apart: pairs of dummies and variables of the theorem that the steps' conditions keep apart.
        disjoint: the theorem's ``$d`` pairs, the lesser variable first.

    Returns:
        The variables by dummy; or a typecode of which there are not enough.
    """
    spare: dict[str, list[str]] = {typecode: [] for typecode in dummies.values()}
    usable: dict[str, list[str]] = {typecode: [] for typecode in dummies.values()}
    for variable, floating in floats.items():
        if floating.typecode in spare:
            (usable if variable in own else spare)[floating.typecode].append(variable)
    counts = Counter(dummies.values())
    short = sorted(typecode for typecode, count in counts.items() if count > len(spare[typecode]))
    fresh = {typecode: iter(variables) for typecode, variables in spare.items()}
    chosen = {dummy: next(fresh[typecode]) for dummy, typecode in dummies.items() if typecode not in short}
    if not short:
        return chosen
    # A dummy with a spare variable to itself is kept apart from everything already.
    near: dict[int, set[int | str]] = {dummy: set() for dummy in dummies if dummy not in chosen}
    for pair in apart:
        for one, other in (pair, pair[::-1]):
            if isinstance(one, int) and one in near and other not in chosen:
                near[one].add(other)
    options = {dummy: (spare[dummies[dummy]], usable[dummies[dummy]]) for dummy in near}
    found = _search(options, near, own, set(disjoint))
    return short[0] if found is None else chosen | found


def _search(
    options: Mapping[int, tuple[Sequence[str], Sequence[str]]],
    near: Mapping[int, set[int | str]],
    own: Collection[str],
    disjoint: set[Pair],
) -> dict[int, str] | None:
    """Backtracks over the dummies, those with the most conditions first; each has spare variables and the theorem's."""
    order = sorted(options, key=lambda dummy: -len(near[dummy]))
    chosen: dict[int, str] = {}

    def agree(one: str, other: str) -> bool:
        if one == other:
            return False
        return one not in own or other not in own or (min(one, other), max(one, other)) in disjoint

    def choices(dummy: int) -> Iterator[str]:
        spare, usable = options[dummy]
        taken = set(chosen.values())
        used = [variable for variable in spare if variable in taken]
        unused = [variable for variable in spare if variable not in taken][:1]  # they are all alike
        others = [chosen.get(other) if isinstance(other, int) else other for other in near[dummy]]
        for variable in (*used, *usable, *unused):
            if all(other is None or agree(variable, other) for other in others):
                yield variable

    stack = [choices(order[0])]
    for _ in range(MAX_CHOICES):
        dummy = order[len(stack) - 1]
        chosen.pop(dummy, None)
        variable = next(stack[-1], None)
        if variable is None:
            stack.pop()
            if not stack:
                return None
            continue
        chosen[dummy] = variable
        if len(stack) == len(order):
            return chosen
        stack.append(choices(order[len(stack)]))
    return None
