"""Ordinal regression, and what of a group the losses of the second output see."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.losses.depth_regression import DepthRegressionConfig, make_depth_regression
from proofsearch_ebm.losses.ordinal_regression import OrdinalRegressionConfig, make_ordinal_regression

from proofsearch.errors import UsageError

torch.set_num_threads(1)

BOUNDS = (1.0, 2.0, 4.0)
ENERGIES = torch.zeros(1, 4)


def batch(exceeds: torch.Tensor) -> GroupBatch:
    """A positive with 2 steps and 0.5 nats, another child, a solved state with 5 steps and 9 nats, and a dead end."""
    return GroupBatch(
        mask=torch.tensor([[True, True, False, False]]),
        positive=torch.tensor([[True, False, False, False]]),
        remaining=torch.tensor([[2.0, -1.0, 5.0, -1.0]]),
        predicted_log_remaining=torch.tensor([[0.3, 0.7, 1.1, 1.5]]),
        dead_end=torch.tensor([[False, False, False, True]]),
        nats=torch.tensor([[0.5, -1.0, 9.0, -1.0]]),
        solved=torch.tensor([[True, False, True, False]]),
        exceeds=exceeds,
        bounds=BOUNDS,
    )


def cross_entropy(logit: float, exceeded: bool) -> float:
    return math.log1p(math.exp(-logit if exceeded else logit))


@pytest.mark.parametrize(
    ("measure", "exceeded"),
    [("steps", [[True, False, False], [True, True, True]]), ("nats", [[False, False, False], [True, True, True]])],
)
def test_the_formula(measure: str, exceeded: list[list[bool]]) -> None:
    """The mean over bounds and solved states, and over the bounds that a dead end is known to exceed."""
    logits = torch.linspace(-2, 3, 12).view(1, 4, 3)
    config = OrdinalRegressionConfig.model_validate({"measure": measure, "dead_end": 3})
    solved = [
        cross_entropy(float(logits[0, member, place]), exceeded[row][place])
        for row, member in enumerate((0, 2))
        for place in range(3)
    ]
    dead = [cross_entropy(float(logits[0, 3, place]), True) for place in range(2)]
    found = make_ordinal_regression(config, None)(ENERGIES, batch(logits))
    assert float(found) == pytest.approx(sum(solved) / 6 + sum(dead) / 2)


def test_what_it_is_not_told_has_no_gradient_whatever_stands_there() -> None:
    logits = torch.zeros(1, 4, 3)
    logits[0, 1] = math.inf
    logits.requires_grad_()
    loss = make_ordinal_regression(OrdinalRegressionConfig(dead_end=3), None)(ENERGIES, batch(logits))
    loss.backward()
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    assert not logits.grad[0, 1].any()
    assert not logits.grad[0, 3, 2].any()  # a dead end may be nearer than this bound
    assert bool((logits.grad[0, 0] != 0).all())
    assert float(logits.grad[0, 3, 0]) < 0  # more remains than the logit says


def test_least_where_every_bound_is_told_right() -> None:
    right = torch.tensor([[[9.0, -9, -9], [0, 0, 0], [9, 9, 9], [9, 9, 9]]])
    loss = make_ordinal_regression(OrdinalRegressionConfig(), None)
    assert float(loss(ENERGIES, batch(right))) < 0.01 < float(loss(ENERGIES, batch(-right)))


def test_it_needs_an_output_by_buckets() -> None:
    without = dataclasses.replace(batch(torch.zeros(1, 4, 3)), exceeds=None, bounds=())
    with pytest.raises(UsageError, match="--ebm-buckets"):
        make_ordinal_regression(OrdinalRegressionConfig(), None)(ENERGIES, without)


@pytest.mark.parametrize("make", ["ordinal", "depth"])
def test_nats_that_nobody_measured_are_an_error(make: str) -> None:
    without = dataclasses.replace(batch(torch.zeros(1, 4, 3)), nats=None)
    loss = (
        make_ordinal_regression(OrdinalRegressionConfig(measure="nats"), None)
        if make == "ordinal"
        else make_depth_regression(DepthRegressionConfig(measure="nats"), None)
    )
    with pytest.raises(UsageError, match=f"--{make if make == 'ordinal' else 'depth'}_regression-measure steps"):
        loss(ENERGIES, without)


@pytest.mark.parametrize(("measure", "distances"), [("steps", (2.0, 5.0)), ("nats", (0.5, 9.0))])
def test_depth_regression_reads_every_solved_state(measure: str, distances: tuple[float, float]) -> None:
    config = DepthRegressionConfig.model_validate({"measure": measure, "delta": 100, "dead_end": 1})
    expected = sum((said - math.log1p(told)) ** 2 / 2 for said, told in zip((0.3, 1.1), distances, strict=True)) / 2
    assert float(make_depth_regression(config, None)(ENERGIES, batch(torch.zeros(1, 4, 3)))) == pytest.approx(expected)


def test_the_energy_is_fitted_to_the_distance_of_compared_states_alone() -> None:
    config = DepthRegressionConfig(target="energy")
    energies = torch.tensor([[2.0, 7.0, 7.0, 7.0]])
    assert float(make_depth_regression(config, None)(energies, batch(torch.zeros(1, 4, 3)))) == 0
