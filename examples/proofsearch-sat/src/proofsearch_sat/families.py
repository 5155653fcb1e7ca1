"""The collection: families of unsatisfiable formulas that the literature on propositional proofs knows, in small.

All are made by rule, the random ones by numbers that the standard library promises never to change, so that the
collection is the same everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, permutations, product

Edges = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Problem:
    """A formula to be refuted.

    Attributes:
        name: of the theorem.
        about: what it says, for people.
        clauses: literals as in DIMACS.
    """

    name: str
    about: str
    clauses: list[list[int]]


def collection() -> list[Problem]:
    """All problems, in a fixed order, each under a name of its own."""
    return [*_pigeons(), *_orders(), *_parities(), *_colourings(), *_numbers(), *_cliques(), *_random()]


def _pigeons() -> Iterator[Problem]:
    """Haken 1985: so many pigeons don't fit into fewer holes; also with every hole taken (``onto``)."""
    for pigeons, holes in ((3, 2), (4, 2), (4, 3), (5, 3), (5, 4), (6, 4), (6, 5)):
        sits = [[pigeon * holes + hole + 1 for hole in range(holes)] for pigeon in range(pigeons)]
        clauses = [list(row) for row in sits]
        clauses += [[-one[hole], -other[hole]] for hole in range(holes) for one, other in combinations(sits, 2)]
        about = f"{pigeons} pigeons don't fit into {holes} holes; variable {holes}p + h + 1: pigeon p sits in hole h"
        yield Problem(f"pigeons-{pigeons}-{holes}", about, clauses)
        onto = [[row[hole] for row in sits] for hole in range(holes)]
        onto += [[-one, -other] for row in sits for one, other in combinations(row, 2)]
        yield Problem(f"pigeons-onto-{pigeons}-{holes}", f"{about}; each hole is taken, each sits once", clauses + onto)


def _orders() -> Iterator[Problem]:
    """Krishnamurthy 1985: a finite order has a least element; also in one that is total (``total``)."""
    for size in (3, 4, 5, 6, 7):
        below = {pair: number for number, pair in enumerate(permutations(range(size), 2), start=1)}
        clauses = [[-below[a, b], -below[b, c], below[a, c]] for a, b, c in permutations(range(size), 3)]
        clauses += [[-below[a, b], -below[b, a]] for a, b in combinations(range(size), 2)]
        clauses += [[below[other, one] for other in range(size) if other != one] for one in range(size)]
        yield Problem(f"least-{size}", f"an order of {size} things has a least one", clauses)
        total = [[below[a, b], below[b, a]] for a, b in combinations(range(size), 2)]
        yield Problem(f"least-total-{size}", f"a total order of {size} things has a least one", clauses + total)


def _parities() -> Iterator[Problem]:
    """Tseitin 1968: numbers 0 and 1 on a graph's edges can't add up to odd sums at an odd number of nodes."""
    graphs: dict[str, Edges] = {f"cycle-{size}": _circulant(size, 1) for size in (4, 6, 8, 10)}
    graphs |= {f"circulant-{size}": _circulant(size, 1, 2) for size in (5, 6, 7)}
    graphs |= {f"prism-{size}": _prism(size) for size in (3, 4, 5, 6)}
    graphs |= {f"wheel-{size}": _wheel(size) for size in (3, 4, 5, 6)}
    graphs |= {f"ladder-{size}": _grid(2, size) for size in (3, 4, 5, 6)}
    graphs |= {f"grid-{size}": _grid(3, size) for size in (3, 4)}
    graphs |= {f"complete-{size}": list(combinations(range(size), 2)) for size in (4, 5)}
    for name, edges in graphs.items():
        nodes = sorted({node for edge in edges for node in edge})
        clauses: list[list[int]] = []
        for node in nodes:
            around = [number for number, edge in enumerate(edges, start=1) if node in edge]
            clauses += _sum_is(around, odd=node == 0)
        yield Problem(f"parity-{name}", f"edges of the graph {name} can't be odd at node 0 alone", clauses)


def _sum_is(numbers: list[int], *, odd: bool) -> Iterator[list[int]]:
    for signs in product((1, -1), repeat=len(numbers)):
        # Such a clause forbids one assignment: that with a 1 wherever the sign is negative.
        if (signs.count(-1) % 2 == 1) != odd:
            yield [sign * number for sign, number in zip(signs, numbers, strict=True)]


def _colourings() -> Iterator[Problem]:
    """Graphs that can't be coloured with so few colours."""
    graphs: dict[str, tuple[int, Edges]] = {}
    graphs |= {f"cycle-{size}": (2, _circulant(size, 1)) for size in (5, 7, 9, 11, 13)}
    graphs |= {f"wheel-{size}": (3, _wheel(size)) for size in (3, 5, 7, 9, 11)}
    graphs |= {f"circulant-{size}": (3, _circulant(size, 1, 2)) for size in (7, 8, 10)}
    graphs |= {f"complete-{size}": (size - 1, list(combinations(range(size), 2))) for size in (4, 5)}
    graphs["moser"] = (3, [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (0, 4), (0, 5), (4, 5), (4, 6), (5, 6), (3, 6)])
    graphs["groetzsch"] = (3, _mycielski(_circulant(5, 1)))
    for name, (colours, edges) in graphs.items():
        nodes = sorted({node for edge in edges for node in edge})
        is_of = {(node, c): node * colours + c + 1 for node in nodes for c in range(colours)}
        clauses = [[is_of[node, c] for c in range(colours)] for node in nodes]
        clauses += [[-is_of[one, c], -is_of[other, c]] for one, other in edges for c in range(colours)]
        about = f"the graph {name} can't be coloured with {colours} colours; variable {colours}n + c + 1: node n is c"
        yield Problem(f"colours-{name}-{colours}", about, clauses)


def _numbers() -> Iterator[Problem]:
    """Van der Waerden 1927 and Schur 1916: whoever colours 1 to n with two colours makes a pattern of one colour."""
    for short, long, last in ((3, 3, 9), (3, 3, 10), (3, 3, 12), (3, 4, 18), (3, 4, 20), (3, 5, 22), (3, 6, 32)):
        clauses = [[-number for number in run] for run in _progressions(short, last)]
        clauses += list(_progressions(long, last))
        about = f"1 to {last} in two colours: {short} of one or {long} of the other in arithmetic progression"
        yield Problem(f"progressions-{short}-{long}-{last}", about, clauses)
    for last in (5, 6, 8):
        sums = [sorted({a, b, a + b}) for a in range(1, last) for b in range(a, last - a + 1)]
        clauses = [[sign * number for number in numbers] for numbers in sums for sign in (1, -1)]
        yield Problem(f"sums-{last}", f"1 to {last} in two colours: some a + b = c are of one colour", clauses)


def _progressions(length: int, last: int) -> Iterator[list[int]]:
    for step in range(1, last):
        for first in range(1, last - step * (length - 1) + 1):
            yield [first + step * place for place in range(length)]


def _cliques() -> Iterator[Problem]:
    """Ramsey 1930: among so many people there are some who all know each other, or some of whom no two do."""
    for friends, strangers, people in ((3, 3, 6), (3, 3, 7), (3, 4, 9)):
        knows = {pair: number for number, pair in enumerate(combinations(range(people), 2), start=1)}
        clauses = [
            [sign * knows[pair] for pair in combinations(group, 2)]
            for sign, size in ((-1, friends), (1, strangers))
            for group in combinations(range(people), size)
        ]
        about = f"of {people} people {friends} know each other or {strangers} don't"
        yield Problem(f"cliques-{friends}-{strangers}-{people}", about, clauses)


def _random() -> Iterator[Problem]:
    """Chvátal and Szemerédi 1988: three literals a clause, and so many clauses that hardly any is satisfiable."""
    for size, per_variable in ((10, 8), (15, 7), (20, 7), (25, 7), (30, 7)):
        for seed in range(10):
            numbers = random.Random(f"{size} {seed}")
            clauses = [_drawn(numbers, size) for _ in range(size * per_variable)]
            about = f"{size * per_variable} random clauses of 3 among {size} variables"
            yield Problem(f"random-{size}-{seed}", about, clauses)


def _drawn(numbers: random.Random, size: int) -> list[int]:
    clause: dict[int, int] = {}
    while len(clause) < 3:
        clause[1 + int(size * numbers.random())] = 1 if numbers.random() < 0.5 else -1
    return [sign * number for number, sign in clause.items()]


# --------------------------------------------------------------------------------------------------------- graphs


def _circulant(size: int, *steps: int) -> Edges:
    return _once((node, (node + step) % size) for node in range(size) for step in steps)


def _prism(size: int) -> Edges:
    ring = _circulant(size, 1)
    return [*ring, *((a + size, b + size) for a, b in ring), *((node, node + size) for node in range(size))]


def _wheel(size: int) -> Edges:
    """A ring around a hub, which has the highest number."""
    return [*_circulant(size, 1), *((node, size) for node in range(size))]


def _grid(rows: int, columns: int) -> Edges:
    across = ((row * columns + c, row * columns + c + 1) for row in range(rows) for c in range(columns - 1))
    down = ((row * columns + c, (row + 1) * columns + c) for row in range(rows - 1) for c in range(columns))
    return [*across, *down]


def _mycielski(edges: Edges) -> Edges:
    """Mycielski 1955: the same without more triangles, but one colour more."""
    size = 1 + max(max(edge) for edge in edges)
    mirrored = [(a, b + size) for a, b in edges] + [(b, a + size) for a, b in edges]
    return [*edges, *mirrored, *((node + size, 2 * size) for node in range(size))]


def _once(edges: Iterable[tuple[int, int]]) -> Edges:
    return sorted({(min(edge), max(edge)) for edge in edges})
