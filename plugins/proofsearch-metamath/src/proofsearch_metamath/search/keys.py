"""The key of a state: its goals and conditions as the bytes of native 32-bit numbers.

First the number of goals; then each goal, its skeleton and the metavariables that stand for the skeleton's own; then
the conditions, two terms each. A skeleton says how many metavariables it has, so this can be taken apart again: a state
is its key, and goals are made of it where somebody asks for them. Keys are of one session, as terms are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import Apart, LocalGoal


def key_of(goals: Sequence[LocalGoal], apart: Sequence[Apart]) -> bytes:
    """The key of a state with these goals and pending conditions, in these orders."""
    numbers = array("i", (len(goals),))
    for skeleton, metas in goals:
        numbers.append(skeleton)
        numbers.extend(metas)
    for pair in apart:
        numbers.extend(pair)
    return numbers.tobytes()


def decode_key(terms: Terms, key: bytes) -> tuple[tuple[LocalGoal, ...], tuple[Apart, ...]]:
    """The goals and pending conditions that a key was made of."""
    numbers = memoryview(key).cast("i").tolist()
    all_metas = terms.metas
    goals, at = [], 1
    for _ in range(numbers[0]):
        skeleton = numbers[at]
        end = at + 1 + len(all_metas[skeleton])
        goals.append((skeleton, tuple(numbers[at + 1 : end])))
        at = end
    return tuple(goals), tuple(zip(numbers[at::2], numbers[at + 1 :: 2], strict=True))
