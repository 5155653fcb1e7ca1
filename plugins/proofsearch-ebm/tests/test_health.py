"""Health checks: each fault is named, and a healthy training raises none."""

from __future__ import annotations

import dataclasses
import math

import pytest
from proofsearch_ebm.health import check_health
from proofsearch_ebm.metrics import GroupMetrics

HEALTHY = GroupMetrics(
    groups=400,
    loss=0.3,
    parts={"info_nce": 0.2, "depth_regression": 0.3},
    mean_positive=-1.0,
    mean_negative=1.0,
    gap=2.0,
    rank_accuracy=0.8,
    chance=0.2,
    chance_error=0.02,
    energy_std=1.0,
    non_finite=0,
)


def names(**changes: object) -> list[str]:
    return [warning.name for warning in check_health(dataclasses.replace(HEALTHY, **changes))]


def test_a_healthy_training_raises_nothing() -> None:
    assert names() == []
    assert names(rank_accuracy=0.99) == []
    assert names(rank_accuracy=0.15, parts={"info_nce": 1.7}) == []  # at chance: an early one, not a broken one


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"energy_std": 0.09}, ["collapse"]),
        ({"gap": -0.1}, ["negative-gap"]),
        ({"rank_accuracy": 0.96, "parts": {"info_nce": 0.6}}, ["unsure"]),
        ({"rank_accuracy": 0.96, "parts": {"listwise": 0.6}}, ["unsure"]),
        ({"rank_accuracy": 0.96, "parts": {"depth_regression": 9.0}}, []),
        ({"rank_accuracy": 0.05, "gap": -2.0}, ["inverted", "negative-gap"]),
        ({"non_finite": 3}, ["non-finite"]),
        ({"parts": {"info_nce": math.nan}, "loss": math.nan}, ["non-finite"]),
        ({"groups": 0, "gap": math.nan, "energy_std": math.nan, "rank_accuracy": math.nan}, []),
    ],
)
def test_each_fault_is_named(changes: dict[str, object], expected: list[str]) -> None:
    assert names(**changes) == expected


def test_a_third_party_loss_can_be_named_as_contrastive() -> None:
    unsure = dataclasses.replace(HEALTHY, rank_accuracy=0.97, parts={"focal": 0.9})
    assert check_health(unsure) == []
    assert [warning.name for warning in check_health(unsure, ["focal"])] == ["unsure"]


def test_words_say_what_was_found() -> None:
    (collapse,) = check_health(dataclasses.replace(HEALTHY, energy_std=0.012))
    assert "0.012" in collapse.message
    (inverted,) = check_health(dataclasses.replace(HEALTHY, rank_accuracy=0.05))
    assert "5%" in inverted.message
    assert "chance (20%)" in inverted.message
    (lost,) = check_health(dataclasses.replace(HEALTHY, parts={"listwise": math.inf}))
    assert "listwise" in lost.message
