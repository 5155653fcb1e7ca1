"""The loss by itself and by name: no prover and no training run is needed."""

from __future__ import annotations

import math

import pytest
import torch
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.losses.cases import loss_cases
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms
from proofsearch_focal_loss.loss import FocalConfig, FocalLoss, make_focal
from torch import Tensor

from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Loss
from proofsearch.testing import check_loss

torch.set_num_threads(1)

# Three decisions; the last has no negative, and the first a place that nobody takes.
MASK = torch.tensor([[True, True, False], [True, True, True], [True, False, False]])
POSITIVE = torch.tensor([[True, False, False], [True, False, True], [True, False, False]])
BATCH = GroupBatch(MASK, POSITIVE, torch.full((3, 3), -1.0))


def energies(padding: float = 0.0) -> Tensor:
    values = torch.tensor([[-1.0, 0.5, 0.0], [2.0, 0.0, 1.0], [3.0, 0.0, 0.0]])
    return values.masked_fill(~MASK, padding).requires_grad_()


def test_it_is_its_formula() -> None:
    def focal(p: float, gamma: float) -> float:
        return (1 - p) ** gamma * -math.log(p)

    first = math.exp(1) / (math.exp(1) + math.exp(-0.5))
    second = (math.exp(-2) + math.exp(-1)) / (math.exp(-2) + 1 + math.exp(-1))
    for gamma in (0.0, 1.0, 2.5):
        found = FocalLoss(FocalConfig(gamma=gamma))(energies(), BATCH)
        assert found.item() == pytest.approx((focal(first, gamma) + focal(second, gamma)) / 2, rel=1e-5)


def test_without_focus_it_is_the_listwise_loss() -> None:
    expected = Listwise(ListwiseConfig())(energies(), BATCH)
    assert FocalLoss(FocalConfig(gamma=0))(energies(), BATCH).item() == pytest.approx(expected.item())


def test_a_decision_that_is_right_counts_less_with_more_focus() -> None:
    def shares(gamma: float) -> float:
        values = energies()
        FocalLoss(FocalConfig(gamma=gamma))(values, BATCH).backward()
        assert values.grad is not None
        easy, hard = values.grad.abs().sum(dim=1)[:2].tolist()
        return easy / hard

    assert shares(4.0) < shares(1.0) < shares(0.0)


@pytest.mark.parametrize("padding", [math.nan, math.inf, -math.inf, 1e30])
def test_padding_reaches_neither_the_value_nor_the_gradient(padding: float) -> None:
    clean, padded = energies(), energies(padding)
    loss = FocalLoss(FocalConfig())
    expected, found = loss(clean, BATCH), loss(padded, BATCH)
    expected.backward()
    found.backward()
    assert found.item() == expected.item()
    assert clean.grad is not None
    assert padded.grad is not None
    assert torch.equal(clean.grad, padded.grad)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_it_conforms(gamma: float) -> None:
    check_loss(make_focal, FocalConfig(gamma=gamma), cases=loss_cases())


def test_a_trainer_finds_it_by_name() -> None:
    # By its entry point: install the package first.
    entry = Plugins.discover().registry("loss")["focal"]

    def loss(name: str) -> Loss:
        assert name == entry.name
        assert entry.config is not None
        made: Loss = entry.factory(entry.config(), None)
        return made

    value = WeightedLosses(parse_terms(["focal:0.5"]), loss)(energies(), BATCH)
    assert value.total.item() == pytest.approx(0.5 * FocalLoss(FocalConfig())(energies(), BATCH).item())
    assert list(value.parts) == ["focal"]
