"""Beginning a training with the weights of an earlier one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch

from proofsearch import Theorem
from proofsearch.errors import InputError, UsageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.config import RankerTrainerConfig
from proofsearch_metamath.ranker.division import Division, Order
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.policies import read_division
from proofsearch_metamath.ranker.weights import Weights, load_weights

_BY_LABEL = ("ids", "biases")
"""Tensors with a row for each assertion that has a vector of its own."""
_SHAPES = ("rows", "width", "surroundings")
"""What has to be as it was, in the options and in the architecture alike."""


def read_starts(start: Path, division: Division | None, train: Sequence[Theorem], order: Order) -> dict[str, Weights]:
    """The weights that policies begin with, by the policy's folder; ``"."`` where one policy is trained.

    Where each policy begins with the one before it, weights of one policy are for the first alone.

    Args:
        start: a folder of one policy's weights, or of several.
        division: of the policies that are trained; ``None``: there is one.
        train: all theorems of the split ``train``.
        order: of the database.

    Raises:
        InputError: damaged, or none at all; the message begins with the option.
        UsageError: another division, or weights that have learnt what a policy must not know.
    """
    try:
        found = _read(start, division, order)
    except InputError as error:
        raise InputError(f"--{NAME}-start: {error}") from None
    if division is not None:
        for policy, weights in found.items():
            refuse_knowing(weights, [one.name for one in train if not division.learns(policy, one)], division.kind)
    return found


def _read(start: Path, division: Division | None, order: Order) -> dict[str, Weights]:
    earlier = read_division(start, order)
    if division is None:
        return {".": load_weights(start if earlier is None else start / earlier.policies[-1])}
    policies = division.policies
    if earlier is None:
        return dict.fromkeys(policies[:1] if division.chained else policies, load_weights(start))
    _refuse_others(start, earlier, division)
    return {policy: load_weights(start / old) for policy, old in zip(policies, earlier.policies, strict=True)}


def _refuse_others(start: Path, earlier: Division, division: Division) -> None:
    if earlier.kind != division.kind or earlier.count != division.count:
        raise UsageError(
            f"--{NAME}-start {start}: has {earlier.count} {earlier.kind}, found --{NAME}-{division.kind} "
            f"{division.count}"
        )
    if [earlier.bound(policy) for policy in earlier.policies] != [division.bound(one) for one in division.policies]:
        raise UsageError(
            f"--{NAME}-start {start}: its {earlier.kind} are at other places of the database; begin with a folder that "
            f"was trained on this database, or without this option"
        )


def refuse_knowing(weights: Weights, hidden: Collection[str], kind: str) -> None:
    """Refuses to begin one of several policies with weights that have learnt proofs it must not know, or may have.

    Args:
        weights: to begin with.
        hidden: the theorems whose proofs the policy must not know.
        kind: ``"folds"`` or ``"cuts"``.

    Raises:
        UsageError: they have.
    """
    if hidden and (weights.learnt is None or not weights.learnt.isdisjoint(hidden)):
        raise UsageError(
            f"--{NAME}-start: {weights.folder} has learnt proofs that the policy of a {kind[:-1]} must not know, or "
            f"does not say which it learnt; begin with a folder of as many {kind}, or without this option"
        )


def with_shapes(config: RankerTrainerConfig, start: Weights) -> RankerTrainerConfig:
    """The options, where they leave open the shapes of the tensors with those of the weights to begin with.

    Raises:
        UsageError: they say another shape.
    """
    shapes = {name: getattr(start.architecture, name) for name in _SHAPES}
    for name, before in shapes.items():
        given = getattr(config, name)
        if given is not None and given != before:
            raise UsageError(
                f"--{NAME}-{name}: the weights to begin with, {start.folder}, have {before}, found {given}; give the "
                f"same, or leave it out"
            )
    return config.model_copy(update=shapes)


def begin_with(model: RankerModel, start: Weights, learnt: Ints, known: Ints) -> None:
    """Gives a model the tensors of earlier weights; assertions that these don't know stay as they are.

    Args:
        model: of the same shapes, but for the assertions.
        start: the weights.
        learnt: the numbers of the assertions that have a vector of their own in the model, in its order.
        known: for each provable assertion its place among those of ``start``, or −1.

    Raises:
        InputError: a tensor of another shape, which a newer version may have written.
    """
    places = known[learnt]
    at = torch.from_numpy(np.flatnonzero(places >= 0))
    state = model.state_dict()
    for name, tensor in state.items():
        value = torch.from_numpy(np.array(start.tensors[name]))
        if name in _BY_LABEL:
            tensor[at] = value[torch.from_numpy(places[places >= 0])]
        elif tensor.shape != value.shape:
            raise InputError(
                f"{start.folder}: the tensor {name} has shape {tuple(value.shape)}, not {tuple(tensor.shape)}"
            )
        else:
            tensor.copy_(value)
