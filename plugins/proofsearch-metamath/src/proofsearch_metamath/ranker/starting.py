"""Beginning a training with the weights of an earlier one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch

from proofsearch.errors import InputError, UsageError
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.config import RankerTrainerConfig
from proofsearch_metamath.ranker.folds import read_folds
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.weights import Weights, load_weights

_BY_LABEL = ("ids", "biases")
"""Tensors with a row for each assertion that has a vector of its own."""
_SHAPES = ("rows", "width", "surroundings")
"""What has to be as it was, in the options and in the architecture alike."""


def read_start(start: Path, fold: int | None, folds: int | None) -> Weights:
    """The weights that a policy begins with.

    Args:
        start: a folder of one policy's weights, or of folds.
        fold: whose theorems the policy must not learn of; ``None``: it learns from all.
        folds: how many there are; ``None``: one policy is trained.

    Raises:
        InputError: damaged, or none at all; the message begins with the option.
        UsageError: folds that are not the same, so that a policy would begin with what it must not know.
    """
    try:
        earlier = read_folds(start)
        if earlier is None:
            return load_weights(start)
        if folds is not None and earlier.count != folds:
            raise UsageError(f"--{NAME}-start {start}: has {earlier.count} folds, found --{NAME}-folds {folds}")
        return load_weights(start / (earlier.others if fold is None else earlier.policies[fold]))
    except InputError as error:
        raise InputError(f"--{NAME}-start: {error}") from None


def refuse_knowing(weights: Weights, hidden: Collection[str]) -> None:
    """Refuses to begin the policy of a fold with weights that have learnt its theorems' proofs, or may have.

    Raises:
        UsageError: they have.
    """
    if hidden and (weights.learnt is None or not weights.learnt.isdisjoint(hidden)):
        raise UsageError(
            f"--{NAME}-start: {weights.folder} has learnt proofs that the policy of a fold must not know, or does not "
            f"say which it learnt; begin with a folder of as many folds, or without this option"
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
