"""Metrics: oracle, anti-oracle and chance rank as they must; batching and padding change nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.training.metrics import GroupMeter, GroupMetrics, rank_credit
from torch import Tensor

torch.set_num_threads(1)

GROUPS = st.lists(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=5), min_size=1, max_size=6
)


def as_batch(groups: list[list[tuple[float, bool]]], filler: float = 0.0) -> tuple[Tensor, GroupBatch]:
    width = max(map(len, groups))
    energies = torch.tensor([[float(e) for e, _ in group] + [filler] * (width - len(group)) for group in groups])
    positive = torch.tensor([[p for _, p in group] + [False] * (width - len(group)) for group in groups])
    mask = torch.tensor([[index < len(group) for index in range(width)] for group in groups])
    return energies, GroupBatch(mask, positive, torch.full(mask.shape, -1.0))


def measure(groups: list[list[tuple[float, bool]]], filler: float = 0.0) -> GroupMetrics:
    meter = GroupMeter()
    meter.add(*as_batch(groups, filler))
    return meter.result()


def test_oracle_anti_oracle_and_constant() -> None:
    labels = [[True, False, False], [False, True], [False, False, True, True]]
    oracle = measure([[(-float(p), p) for p in group] for group in labels])
    assert (oracle.rank_accuracy, oracle.gap) == (1.0, 1.0)
    anti = measure([[(float(p), p) for p in group] for group in labels])
    assert (anti.rank_accuracy, anti.gap) == (0.0, -1.0)
    constant = measure([[(7.0, p) for p in group] for group in labels])
    assert constant.rank_accuracy == constant.chance == pytest.approx((1 / 3 + 1 / 2 + 1 / 2) / 3)
    assert constant.energy_std == 0


def test_ties_share_the_credit() -> None:
    energies = np.array([[1.0, 1.0, 1.0, 2.0], [0.0, 0.0, 5.0, -9.0]])
    mask = np.array([[True] * 4, [True, True, True, False]])
    positive = np.array([[True, False, False, True], [True, False, False, True]])
    assert rank_credit(energies, mask, positive).tolist() == pytest.approx([1 / 3, 1 / 2])


def test_what_is_measured_is_what_the_names_say() -> None:
    metrics = measure([[(1.0, True), (2.0, False), (6.0, False)], [(3.0, True), (0.0, False)]])
    assert metrics.mean_positive == 2
    assert metrics.mean_negative == pytest.approx(8 / 3)
    assert metrics.gap == pytest.approx(2 / 3)
    assert metrics.rank_accuracy == 0.5
    assert metrics.energy_std == pytest.approx(np.std([1, 2, 6, 3, 0]))
    assert metrics.chance_error == pytest.approx(math.sqrt(1 / 3 * 2 / 3 + 1 / 4) / 2)


def test_only_the_deviation_is_of_the_energies_where_something_else_orders_the_groups() -> None:
    energies, batch = as_batch([[(1.0, True), (2.0, False), (6.0, False)], [(3.0, True), (0.0, False)]])
    ordered, _ = as_batch([[(9.0, True), (8.0, False), (7.0, False)], [(1.0, True), (5.0, False)]])
    meter = GroupMeter()
    meter.add(energies, batch, ordered=ordered)
    metrics = meter.result()
    assert (metrics.mean_positive, metrics.mean_negative, metrics.rank_accuracy) == (5, pytest.approx(20 / 3), 0.5)
    assert metrics.energy_std == pytest.approx(np.std([1, 2, 6, 3, 0]))
    assert math.isnan(metrics.loss)


def test_energies_and_policy_are_measured_alone_too() -> None:
    energies, batch = as_batch([[(1.0, True), (2.0, False), (6.0, False)], [(3.0, True), (0.0, False)]])
    policy, _ = as_batch([[(8.0, True), (6.0, False), (1.0, False)], [(-2.0, True), (5.0, False)]])
    meter = GroupMeter()
    meter.add(energies, batch, ordered=energies + policy, policy=policy)
    metrics = meter.result()
    assert (metrics.energy_rank, metrics.policy_rank, metrics.rank_accuracy) == (0.5, 0.5, 0.5)
    assert metrics.energy_gap == pytest.approx((3 - 3) / 2)
    assert metrics.energy_spread == pytest.approx(math.sqrt((4 + 1 + 9 + 2.25 + 2.25) / 5))
    assert (metrics.gain, metrics.gain_error) == (0.0, 0.0)
    alone = measure([[(1.0, True), (2.0, False)]])
    assert (alone.energy_rank, alone.energy_gap) == (1.0, 1.0)
    assert math.isnan(alone.policy_rank)
    assert math.isnan(alone.gain)


@given(groups=GROUPS, cut=st.integers(1, 5), filler=st.sampled_from([0.0, -1e9, math.nan, -math.inf]))
@settings(deadline=None)
def test_neither_batching_nor_padding_matters(groups: list[list[tuple[float, bool]]], cut: int, filler: float) -> None:
    whole = measure(groups).flat()
    meter = GroupMeter()
    for part in (groups[:cut], groups[cut:]):
        if part:
            meter.add(*as_batch(part, filler))
    assert meter.result().flat() == {
        name: pytest.approx(value, abs=1e-12, nan_ok=True) for name, value in whole.items()
    }


def test_groups_without_contrast_are_not_measured() -> None:
    metrics = measure([[(1.0, True)], [(1.0, False), (2.0, False)], [(0.0, True), (1.0, False)]])
    assert (metrics.groups, metrics.rank_accuracy, metrics.mean_negative) == (1, 1.0, 1.0)
    empty = measure([[(1.0, True)]])
    assert empty.groups == 0
    assert math.isnan(empty.rank_accuracy)
    assert math.isnan(GroupMeter().result().gap)


def test_energies_that_are_not_finite_are_counted_and_spoil_nothing_else() -> None:
    metrics = measure([[(math.nan, True), (math.inf, False)], [(0.0, True), (1.0, False)]])
    assert (metrics.non_finite, metrics.groups, metrics.rank_accuracy) == (2, 1, 1.0)


def test_losses_are_averaged_over_groups_not_batches() -> None:
    meter = GroupMeter()
    pair = [(0.0, True), (1.0, False)]
    meter.add(*as_batch([pair]), {"total": 4.0, "info_nce": torch.tensor(2.0)})
    meter.add(*as_batch([pair] * 3), {"total": 0.0, "info_nce": torch.tensor(1.0)})
    metrics = meter.result()
    assert metrics.loss == 1
    assert dict(metrics.parts) == {"info_nce": 1.25}
    assert metrics.flat()["loss/info_nce"] == 1.25


def test_rank_by_depth_keeps_bands_apart() -> None:
    right, wrong = [(0.0, True), (1.0, False)], [(1.0, True), (0.0, False)]
    meter = GroupMeter()
    meter.add(*as_batch([right, wrong, wrong]), depth=np.array([0, 1, 2]))
    meter.add(*as_batch([right, right, [(0.0, True)]]), depth=np.array([7, 100, 3]))
    by_depth = meter.result().by_depth
    assert {band: (m.groups, m.rank_accuracy) for band, m in by_depth.items()} == {
        "0-1": (2, 0.5),
        "2-3": (1, 0.0),
        "4-7": (1, 1.0),
        "8+": (1, 1.0),
    }
    meter.add(*as_batch([right]))
    assert meter.result().by_depth == {}
