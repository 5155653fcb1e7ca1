"""The checks of losses: those of this package pass, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.cases import loss_cases
from proofsearch_ebm.losses.depth_regression import DepthRegressionConfig, make_depth_regression
from proofsearch_ebm.losses.masking import mean_over, softplus
from proofsearch_ebm.plugin import make_trainer
from torch import Tensor

from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import TriesLosses
from proofsearch.testing import SampleBuilder, check_loss
from proofsearch.testing.checks import ConformanceError

torch.set_num_threads(1)

NAMES = ("info_nce", "depth_regression", "ordinal_regression", "listwise", "margin_ranking", "pairwise")


class Sound:
    """Hinge over each group's means."""

    def __init__(self, config: object = None, builder: object = None) -> None:
        pass

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        positive, other = batch.mask & batch.positive, batch.mask & ~batch.positive
        return self.hinge(energies, positive, other)

    def hinge(self, energies: Tensor, positive: Tensor, other: Tensor) -> Tensor:
        def mean(members: Tensor) -> Tensor:
            return energies.masked_fill(~members, 0).sum(dim=1) / members.sum(dim=1).clamp_min(1)

        counted = positive.any(dim=1) & other.any(dim=1)
        return mean_over(softplus(mean(positive) - mean(other)), counted)


class Unreduced(Sound):
    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        return super().__call__(energies, batch)[None]


class Number(Sound):
    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        return super().__call__(energies, batch).item()


class Noisy(Sound):
    count = itertools.count()

    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        value = super().__call__(energies, batch)
        return value * (1 + 0.1 * (next(Noisy.count) % 7))


class Overflows(Sound):
    def hinge(self, energies: Tensor, positive: Tensor, other: Tensor) -> Tensor:
        low = energies.masked_fill(~(positive | other), 0)
        value: Tensor = super().hinge(low.exp().log(), positive, other)
        return value


class InPlace(Sound):
    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        value = super().__call__(energies, batch)
        with torch.no_grad():
            energies -= energies.masked_fill(~batch.mask, 0).mean()
        return value


class ReadsPadding(Sound):
    """Zeroes padding by multiplication, which leaves what is not finite."""

    def hinge(self, energies: Tensor, positive: Tensor, other: Tensor) -> Tensor:
        return (
            super().hinge(energies * (positive | other), positive, other) + 0 * (energies * ~(positive | other)).sum()
        )


class AlwaysSomething(Sound):
    def __call__(self, energies: Tensor, batch: GroupBatch) -> Any:
        return super().__call__(energies, batch) + 0.5


class Opposite(Sound):
    def hinge(self, energies: Tensor, positive: Tensor, other: Tensor) -> Tensor:
        return super().hinge(-energies, positive, other)


def test_the_trainer_says_what_losses_are_tried_on() -> None:
    with SampleBuilder() as builder:
        trainer = make_trainer(EbmTrainerConfig(), builder)
    assert isinstance(trainer, TriesLosses)
    shapes = {(tuple(case.energies.shape), case.teaches) for case in trainer.loss_cases()}
    assert shapes == {((5, 5), True), ((1, 5), True), ((2, 5), False)}


@pytest.mark.parametrize("name", NAMES)
def test_the_losses_of_this_package_pass(name: str) -> None:
    entry = Plugins.discover().registry("loss")[name]
    assert entry.config is not None
    report = check_loss(entry.factory, entry.config(), cases=loss_cases())
    assert report.names("skipped") == (["polarity"] if name.endswith("regression") else [])


def test_a_regression_of_the_energy_is_not_held_to_compare() -> None:
    config = DepthRegressionConfig(target="energy")
    assert check_loss(make_depth_regression, config, cases=loss_cases()).names("skipped") == ["polarity"]


@pytest.mark.parametrize(
    ("loss", "check"),
    [
        (Unreduced, "a scalar"),
        (Number, "a scalar"),
        (Noisy, "repeatable"),
        (Overflows, "finite"),
        (InPlace, "energies left alone"),
        (ReadsPadding, "padding means nothing"),
        (AlwaysSomething, "nothing to learn is zero"),
        (Opposite, "polarity"),
    ],
)
def test_a_broken_loss_fails_that_check_alone(loss: type[Sound], check: str) -> None:
    assert check_loss(Sound, cases=loss_cases()).names("failed") == []
    with pytest.raises(ConformanceError) as error:
        check_loss(loss, cases=loss_cases())
    assert error.value.report.names("failed") == [check]


def test_without_a_case_that_teaches_nothing_can_be_said() -> None:
    with pytest.raises(ValueError, match="at least one that teaches"):
        check_loss(Sound, cases=loss_cases()[-1:])
