"""Steps of proofs as arrays that the model takes, some of them at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.ranker.architecture import ROLES, recency
from proofsearch_metamath.ranker.bags import Bags, Floats, Ints, entries, offsets_of
from proofsearch_metamath.ranker.examples import Examples


@dataclass(frozen=True, slots=True)
class Batch:
    """Some steps of proofs.

    Attributes:
        size: how many.
        bags: the features of the terms that they hold.
        parts: of each part its number in ``bags``.
        part_weights: one over the square root of how many parts of its step have its role.
        cells: of each part its step times :data:`ROLES` plus its role.
        context_rows, context_at: of the states as a whole, by step; where each step's begin.
        labels: the provable assertions that any of the steps is compared with.
        choices: shape ``(size, most)``: places in ``labels``; −1 where there is none.
        shares: same shape: the logarithm of how many each stands for.
        hypotheses: bags of the theorems' hypotheses that unify with the goals.
        hypothesis_owners: the step of each.
        hypothesis_places: its place in the step's row of logits.
        answers: shape ``(size,)``: the place of the step's tactic in its row.
        recency: shape ``(size, most, 2)``: of the choices; see :mod:`proofsearch_metamath.ranker.architecture`.
    """

    size: int
    bags: Bags
    parts: Ints
    part_weights: Floats
    cells: Ints
    context_rows: Ints
    context_at: Ints
    labels: Ints
    choices: Ints
    shares: Floats
    hypotheses: Bags
    hypothesis_owners: Ints
    hypothesis_places: Ints
    answers: Ints
    recency: Floats


def make_batch(examples: Examples, steps: NDArray[np.int64], *, surroundings: bool) -> Batch:
    """Puts some steps into one batch.

    Args:
        examples: all steps.
        steps: which ones.
        surroundings: whether parts other than the first goal are read.
    """
    size = len(steps)
    at = entries(examples.parts.offsets, steps)
    owners = np.repeat(np.arange(size), np.diff(examples.parts.offsets)[steps])
    roles = examples.roles[at].astype(np.int64)
    if not surroundings:
        at, owners, roles = at[roles == 0], owners[roles == 0], roles[roles == 0]
    cells = owners * ROLES + roles
    counts = np.bincount(cells, minlength=size * ROLES)
    used, parts = np.unique(examples.parts.values[at], return_inverse=True)
    context_at = offsets_of(np.diff(examples.contexts.offsets)[steps])[:-1]

    lengths = np.diff(examples.choices.offsets)[steps]
    labels, places = np.unique(examples.choices.take(steps), return_inverse=True)
    extra = np.diff(examples.hypotheses.offsets)[steps]
    most = int((lengths + extra).max())
    column = np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    row = np.repeat(np.arange(size), lengths)
    choices = np.full((size, most), -1, np.int64)
    choices[row, column] = places
    shares = np.zeros((size, most), np.float32)
    shares[row, column] = examples.shares[entries(examples.choices.offsets, steps)]
    near = np.zeros((size, most, 2), np.float32)
    near[row, column] = recency(examples.earlier[steps][row], labels[places])
    hypothesis_owners = np.repeat(np.arange(size), extra)
    behind = np.arange(int(extra.sum())) - np.repeat(np.cumsum(extra) - extra, extra)
    return Batch(
        size=size,
        bags=examples.bags.take(used.astype(np.int64)),
        parts=parts.astype(np.int64),
        part_weights=(1 / np.sqrt(counts[cells])).astype(np.float32),
        cells=cells,
        context_rows=examples.contexts.take(steps),
        context_at=context_at,
        labels=labels.astype(np.int64),
        choices=choices,
        shares=shares,
        hypotheses=examples.bags.take(examples.hypotheses.take(steps)),
        hypothesis_owners=hypothesis_owners,
        hypothesis_places=lengths[hypothesis_owners] + behind,
        answers=examples.answers[steps],
        recency=near,
    )
