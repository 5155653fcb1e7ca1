"""Health checks: each fault is named, and a healthy training raises none."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.training.health import check_health
from proofsearch_ebm.training.metrics import GroupMeter, GroupMetrics

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
    energy_rank=0.5,
    energy_gap=1.0,
    energy_std=1.0,
    energy_spread=1.0,
    non_finite=0,
    policy_rank=0.7,
    gain=0.1,
    gain_error=0.02,
)
ALONE = {"gain": math.nan, "gain_error": math.nan}


def names(**changes: object) -> list[str]:
    return [warning.name for warning in check_health(dataclasses.replace(HEALTHY, **changes))]


def test_a_healthy_training_raises_nothing() -> None:
    assert names() == []
    assert names(rank_accuracy=0.99) == []
    assert names(**ALONE) == []
    # An energy that says what the policy misses may be anything by itself.
    assert names(energy_rank=0.05, energy_gap=-1.0) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"energy_spread": 0.09}, ["collapse"]),
        ({"energy_spread": 0.09, "energy_std": 9.0}, ["collapse"]),
        ({"energy_std": 0.09}, []),
        ({"energy_gap": -0.1} | ALONE, ["negative-gap"]),
        ({"energy_rank": 0.05, "energy_gap": -2.0} | ALONE, ["inverted", "negative-gap"]),
        ({"energy_rank": 0.22} | ALONE, ["chance"]),
        ({"energy_rank": 0.25} | ALONE, []),
        ({"energy_rank": 0.05, "gain": 0.0}, ["inverted"]),
        ({"energy_rank": 0.19, "gain": -0.1, "rank_accuracy": 0.6}, ["chance", "worse-than-policy"]),
        ({"gain": -0.03}, []),
        ({"rank_accuracy": 0.96, "parts": {"info_nce": 0.6}}, ["unsure"]),
        ({"rank_accuracy": 0.96, "parts": {"listwise": 0.6}}, ["unsure"]),
        ({"rank_accuracy": 0.96, "parts": {"depth_regression": 9.0}}, []),
        ({"non_finite": 3}, ["non-finite"]),
        ({"parts": {"info_nce": math.nan}, "loss": math.nan}, ["non-finite"]),
        ({"groups": 0, "gap": math.nan, "energy_spread": math.nan, "energy_rank": math.nan}, []),
    ],
)
def test_each_fault_is_named(changes: dict[str, object], expected: list[str]) -> None:
    assert names(**changes) == expected


def test_a_third_party_loss_can_be_named_as_contrastive() -> None:
    unsure = dataclasses.replace(HEALTHY, rank_accuracy=0.97, parts={"focal": 0.9})
    assert check_health(unsure) == []
    assert [warning.name for warning in check_health(unsure, ["focal"])] == ["unsure"]


def test_words_say_what_was_found() -> None:
    (collapse,) = check_health(dataclasses.replace(HEALTHY, energy_spread=0.012))
    assert "0.012" in collapse.message
    (inverted,) = check_health(dataclasses.replace(HEALTHY, energy_rank=0.05, **ALONE))
    assert "5.0%" in inverted.message
    assert "chance (20.0%)" in inverted.message
    (chance,) = check_health(dataclasses.replace(HEALTHY, energy_rank=0.2, **ALONE))
    assert "no better than chance (20.0%)" in chance.message
    (worse,) = check_health(dataclasses.replace(HEALTHY, rank_accuracy=0.6, gain=-0.1))
    assert "in 60.0% of the groups, by log-probability alone in 70.0%" in worse.message
    (lost,) = check_health(dataclasses.replace(HEALTHY, parts={"listwise": math.inf}))
    assert "listwise" in lost.message


# ------------------------------------------------------------------------------- energies beside a policy that is good

GROUPS, MEMBERS = 300, 28


def beside_a_policy(energies: str) -> GroupMetrics:
    """Energies of a kind beside a policy that alone ranks well: what the default configuration looks at."""
    rng = np.random.default_rng(0)
    positive = np.zeros((GROUPS, MEMBERS), bool)
    positive[:, 0] = True
    logprob = rng.normal(0, 1.5, positive.shape) + 2.5 * positive
    known = np.where(positive, -1.5, 0.0) + rng.normal(0, 1, positive.shape)
    made = {
        "learnt": known,
        "sign lost": -known,
        "noise": rng.normal(0, 1, positive.shape),
        "the same in a group": np.repeat(rng.normal(0, 5, (GROUPS, 1)), MEMBERS, axis=1),
    }[energies]
    alone, policy = torch.from_numpy(made), torch.from_numpy(-logprob)
    batch = GroupBatch(
        torch.ones(alone.shape, dtype=torch.bool), torch.from_numpy(positive), torch.full(alone.shape, -1.0)
    )
    meter = GroupMeter()
    meter.add(alone, batch, ordered=alone + policy, policy=policy)
    return meter.result()


@pytest.mark.parametrize(
    ("energies", "warning"),
    [("learnt", ""), ("sign lost", "inverted"), ("noise", "chance"), ("the same in a group", "collapse")],
)
def test_a_good_policy_hides_no_bad_energy(energies: str, warning: str) -> None:
    """Catches checks of energy less log-probability, which is far above chance, and varies, whatever the energy."""
    found = beside_a_policy(energies)
    assert found.rank_accuracy > found.chance
    assert found.policy_rank > 0.3
    assert found.energy_std > 0.5
    names = [one.name for one in check_health(found)]
    assert names[:1] == [warning][: bool(warning)]
    assert (found.gain > 0) == (energies == "learnt")
