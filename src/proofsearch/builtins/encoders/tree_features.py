"""Features of expression trees, computed for a whole batch of trees at once.

The trees of a batch are laid end to end as one preorder forest; every array below is over its nodes. A feature is a
64-bit hash, a polynomial in the hashes of the symbols it is made of; its upper half is kept
(:mod:`proofsearch.builtins.encoders.features`). The kinds:

- *symbol*: a node's symbol;
- *edge*: parent's symbol, child's position, child's symbol;
- *walk*: three symbols down, with positions;
- *shape*: a node with its children, and with its grandchildren;
- *path*: the symbols and positions from the root, for the first four levels;
- *equal*: two places near the root that hold the same subtree (which lemmas apply often hangs on that alone).

Symbols that begin with ``?`` are placeholders (metavariables): two of them are not counted as equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from proofsearch.types import Tree

_MASK = 2**64 - 1
LEVELS = 3
"""Depth to which *path* and *equal* features reach; the root has depth 0."""
_POSITIONS = 64
"""Child positions told apart; further ones count as the last."""


def _constants(seed: int, n: int) -> list[int]:
    """``n`` odd 64-bit numbers from splitmix64 (Steele, Lea, Flood 2014)."""
    out = []
    for i in range(1, n + 1):
        z = (seed + i * 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        out.append((z ^ (z >> 31)) | 1)
    return out


_BASE = _constants(1, 1)[0]
_STEP, _FINISH, _WALK, _MARK = (np.uint64(c) for c in _constants(2, 4))
_SYMBOL, _EDGE, _WALK3, _SHAPE1, _SHAPE2, _PATH, _EQUAL = (np.uint64(c) for c in _constants(3, 7))
_POSITION = np.array(_constants(4, _POSITIONS), np.uint64)

CONSTANTS = np.array(
    [_STEP, _FINISH, _WALK, _MARK, _SYMBOL, _EDGE, _WALK3, _SHAPE1, _SHAPE2, _PATH, _EQUAL, *_POSITION], np.uint64
)
"""All of them, in the order in which the compiled implementation wants them."""


def tree_features(trees: Sequence[Tree], hashes: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The features of each tree, with repetitions.

    Args:
        trees: at least one.
        hashes: the 64-bit hash of every symbol.

    Returns:
        For each feature the tree it belongs to and its hash, in no particular order.

    Raises:
        ValueError: a tree whose arities are not those of a preorder.
    """
    lengths = np.array([len(tree.symbols) for tree in trees], np.int64)
    symbols = list(chain.from_iterable(tree.symbols for tree in trees))
    arities = np.fromiter(chain.from_iterable(tree.arities for tree in trees), np.int64)
    size = len(symbols)
    starts = np.cumsum(lengths) - lengths
    tree_of = np.repeat(np.arange(len(trees)), lengths)
    slots = _slots(trees, arities, starts, tree_of)
    is_root = np.zeros(size, np.bool_)
    is_root[starts] = True
    parent = _parents(slots, is_root)

    symbol = np.fromiter(map(hashes.__getitem__, symbols), np.uint64, size)
    child = (~is_root).nonzero()[0]
    above = parent[child]
    place = _POSITION[np.minimum(slots[above] - 1 + arities[above] - slots[child], _POSITIONS - 1)]
    nodes = [np.arange(size)]
    found = [symbol + _SYMBOL]

    down = symbol[child] * _STEP + place
    nodes.append(child)
    found.append(symbol[above] * _EDGE + down)

    # The edge above a node, so that a walk of three symbols is an edge on top of an edge.
    edge = np.zeros(size, np.uint64)
    edge[child] = symbol[above] * _WALK + place
    deep = (~is_root[above]).nonzero()[0]
    nodes.append(child[deep])
    found.append(edge[above[deep]] * _WALK3 + down[deep])

    for chosen, shapes in _shapes(symbol, arities, child, above, place):
        nodes.append(chosen)
        found.append(shapes)

    near, path, place_path = _paths(symbol, is_root, child, above, place)
    nodes.append(near)
    found.append(path[near] + _PATH)

    first, second = _equal_pairs(near, _subtrees(symbol, arities, slots, symbols), tree_of)
    nodes.append(first)
    found.append(place_path[first] * _EQUAL + place_path[second])
    return tree_of[np.concatenate(nodes)], _scramble(np.concatenate(found))


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64-bit words whose upper half depends on every bit (murmur3's finaliser, halved)."""
    x = (x ^ (x >> np.uint64(32))) * _FINISH
    return x ^ (x >> np.uint64(29))


def _slots(
    trees: Sequence[Tree], arities: NDArray[np.int64], starts: NDArray[np.int64], tree_of: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many places wait for a subtree before each node, one less for every tree before this one.

    A node's parent is the last node before it with as few or fewer, its subtree ends before the next with fewer.
    """
    empty = (starts[1:] == starts[:-1]).any() or starts[-1] == len(tree_of)
    if empty or len(arities) != len(tree_of) or arities.min() < 0:
        raise ValueError(_complaint(trees))
    after = np.cumsum(arities - 1)
    slots = np.concatenate((np.zeros(1, np.int64), after[:-1]))
    if after[-1] != -len(trees) or (slots[starts] != -np.arange(len(trees))).any() or (slots < -tree_of).any():
        raise ValueError(_complaint(trees))
    return slots


def _complaint(trees: Sequence[Tree]) -> str:
    """Names the first tree that is no preorder."""
    for tree in trees:
        waiting = 1
        for arity in tree.arities:
            if waiting <= 0 or arity < 0:
                break
            waiting += arity - 1
        else:
            if waiting == 0 and len(tree.symbols) == len(tree.arities):
                continue
        return f"not a tree in preorder: symbols {tree.symbols[:20]!r} with arities {tree.arities[:20]!r}"
    return "arities and symbols do not match"


def _parents(slots: NDArray[np.int64], is_root: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The parent of each node; a root's is itself.

    A guess starts at the node before and jumps to that one's own guess while it has more slots: every node between
    a guess and its node has more, so jumping skips no parent. Few rounds are needed, since all jump at once.
    """
    parent = np.arange(-1, len(slots) - 1)
    parent[is_root] = is_root.nonzero()[0]
    waiting = ((slots[parent] > slots) & ~is_root).nonzero()[0]
    while waiting.size:
        guess = parent[parent[waiting]]
        parent[waiting] = guess
        waiting = waiting[slots[guess] > slots[waiting]]
    return parent


def _paths(
    symbol: NDArray[np.uint64],
    is_root: NDArray[np.bool_],
    child: NDArray[np.int64],
    above: NDArray[np.int64],
    place: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    """The nodes of the first levels, and over all nodes the hash of the path from the root with and without symbols."""
    path = np.where(is_root, symbol, np.uint64(0))
    places = np.where(is_root, _MARK, np.uint64(0))
    level, near = is_root, [is_root.nonzero()[0]]
    for _ in range(LEVELS):
        chosen = level[above].nonzero()[0]
        if not chosen.size:
            break
        nodes, parents = child[chosen], above[chosen]
        path[nodes] = path[parents] * _STEP + symbol[nodes] * _WALK + place[chosen]
        places[nodes] = places[parents] * _STEP + place[chosen]
        level = np.zeros(len(symbol), np.bool_)
        level[nodes] = True
        near.append(nodes)
    return np.concatenate(near), path, places


def _subtrees(
    symbol: NDArray[np.uint64], arities: NDArray[np.int64], slots: NDArray[np.int64], symbols: Sequence[str]
) -> NDArray[np.uint64]:
    """A hash of each node's whole subtree; one of its own for a subtree with a placeholder.

    A subtree is a stretch of the preorder, so that a polynomial over the stretch hashes it: prefix sums of
    word · base^index, brought back to index 0 by the inverse of the (odd) base.
    """
    size = len(symbol)
    open_slots = np.append(slots, slots[-1] + arities[-1] - 1)
    end = np.arange(1, size + 1)
    waiting = arities.nonzero()[0]
    while waiting.size:
        guess = end[waiting]
        inside = open_slots[guess] >= slots[waiting]
        waiting, guess = waiting[inside], guess[inside]
        end[waiting] = end[guess]
    powers, inverses = _powers(size)
    words = symbol * _STEP + arities.astype(np.uint64)
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(words * powers)))
    placeholders = np.fromiter((s.startswith("?") for s in symbols), np.int64, size)
    held = np.concatenate((np.zeros(1, np.int64), np.cumsum(placeholders)))
    whole = (sums[end] - sums[:-1]) * inverses
    return np.where(held[end] > held[:-1], np.arange(size).astype(np.uint64), whole)


def _powers(size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first powers of the base and of its inverse modulo 2^64."""
    powers = np.full((2, size), [[_BASE], [pow(_BASE, -1, 2**64)]], np.uint64)
    powers[:, 0] = 1
    np.multiply.accumulate(powers, axis=1, out=powers)
    return powers[0], powers[1]


def _equal_pairs(
    near: NDArray[np.int64], subtree: NDArray[np.uint64], tree_of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of nodes of one tree with equal subtrees: each of ``near`` with the next that equals it."""
    near = np.sort(near)
    key = subtree[near] + tree_of[near].astype(np.uint64) * _MARK
    order = np.argsort(key, kind="stable")
    key, near = key[order], near[order]
    same = ((key[1:] == key[:-1]) & (tree_of[near[1:]] == tree_of[near[:-1]])).nonzero()[0]
    return near[same], near[same + 1]


def _shapes(
    symbol: NDArray[np.uint64],
    arities: NDArray[np.int64],
    child: NDArray[np.int64],
    above: NDArray[np.int64],
    place: NDArray[np.uint64],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """The features of nodes with what is one step below them, and then with what is up to two steps below."""
    tall = np.zeros(len(symbol), np.bool_)
    tall[above[arities[child] > 0]] = True
    shape, label = symbol, symbol * _STEP
    for chosen, salt in ((arities.nonzero()[0], _SHAPE1), (tall.nonzero()[0], _SHAPE2)):
        below = np.zeros(len(symbol), np.uint64)
        np.add.at(below, above, shape[child] * place)
        # Scrambled, since products of positions would commute: f(g(a,b),h(c,d)) against f(g(a,c),h(b,d)).
        shape = _scramble(label + below)
        yield chosen, shape[chosen] + salt
