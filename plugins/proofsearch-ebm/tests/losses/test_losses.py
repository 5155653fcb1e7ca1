"""Losses: against their formulas written out, and what must never matter: order, padding, groups without contrast."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.losses.depth_regression import DepthRegressionConfig, make_depth_regression
from proofsearch_ebm.losses.info_nce import InfoNceConfig, make_info_nce
from proofsearch_ebm.losses.listwise import ListwiseConfig, make_listwise
from proofsearch_ebm.losses.margin_ranking import MarginRankingConfig, make_margin_ranking
from proofsearch_ebm.losses.pairwise import PairwiseConfig, make_pairwise
from proofsearch_ebm.losses.weighted import LossTerm, WeightedLosses, parse_terms
from torch import Tensor

from proofsearch.errors import PluginError, UsageError
from proofsearch.protocols import Loss

torch.set_num_threads(1)

BUILDER = None  # no loss here asks for anything

Made = Callable[[Tensor, GroupBatch], Tensor]
ALL: dict[str, Made] = {
    "info_nce": make_info_nce(InfoNceConfig(), BUILDER),
    "info_nce, cooler": make_info_nce(InfoNceConfig(temperature=0.5), BUILDER),
    "listwise": make_listwise(ListwiseConfig(), BUILDER),
    "listwise, warmer": make_listwise(ListwiseConfig(temperature=2.0), BUILDER),
    "margin_ranking": make_margin_ranking(MarginRankingConfig(margin=0.7), BUILDER),
    "margin_ranking, hardest": make_margin_ranking(MarginRankingConfig(pairs="hardest"), BUILDER),
    "pairwise": make_pairwise(PairwiseConfig(), BUILDER),
    "pairwise, smoothed": make_pairwise(PairwiseConfig(smoothing=0.1), BUILDER),
    "depth_regression": make_depth_regression(DepthRegressionConfig(), BUILDER),
    "depth_regression, narrow": make_depth_regression(DepthRegressionConfig(delta=0.3), BUILDER),
    "depth_regression, energy": make_depth_regression(DepthRegressionConfig(target="energy"), BUILDER),
}
CONTRASTIVE = [name for name in ALL if not name.startswith("depth")]


@dataclasses.dataclass
class Member:
    energy: float
    positive: bool
    remaining: float = -1.0
    predicted: float = 0.0


MEMBERS = st.builds(
    Member,
    st.floats(-20, 20, width=32),
    st.booleans(),
    st.sampled_from([-1.0, 1.0, 4.0]),
    st.floats(0, 3, width=32),
)
GROUPS = st.lists(st.lists(MEMBERS, min_size=1, max_size=5), min_size=1, max_size=4)


def as_batch(groups: list[list[Member]], filler: float = 0.0, extra: int = 0) -> tuple[Tensor, GroupBatch]:
    """Energies with a gradient and their batch, padded with ``filler`` to ``extra`` more members than needed."""
    width = max(map(len, groups)) + extra

    def padded(field: str, pad: float | bool) -> Tensor:
        return torch.tensor([[getattr(m, field) for m in group] + [pad] * (width - len(group)) for group in groups])

    mask = torch.tensor([[index < len(group) for index in range(width)] for group in groups])
    energies, predicted = padded("energy", filler).requires_grad_(), padded("predicted", filler).requires_grad_()
    batch = GroupBatch(mask, padded("positive", False), padded("remaining", -1.0), predicted)
    return energies, batch


# --------------------------------------------------------------------------------------- the formulas, written out


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def expected_loss(name: str, groups: list[list[Member]]) -> float:
    if name.startswith("depth"):
        known = [m for group in groups for m in group if m.positive and m.remaining >= 0]
        if name.endswith("energy"):
            return mean([(m.energy - m.remaining) ** 2 for m in known])
        delta = 0.3 if name.endswith("narrow") else 1.0
        errors = [abs(m.predicted - math.log(1 + m.remaining)) for m in known]
        return mean([e * e / 2 if e <= delta else delta * (e - delta / 2) for e in errors])
    of_groups = []
    for group in groups:
        positives = [m.energy for m in group if m.positive]
        negatives = [m.energy for m in group if not m.positive]
        if positives and negatives:
            of_groups.append(expected_of_group(name, positives, negatives))
    return mean(of_groups)


def expected_of_group(name: str, positives: list[float], negatives: list[float]) -> float:
    match name.partition(",")[0]:
        case "info_nce":
            t = 0.5 if "cooler" in name else 1.0
            weights = sum(math.exp(-n / t) for n in negatives)
            return mean([-math.log(math.exp(-p / t) / (math.exp(-p / t) + weights)) for p in positives])
        case "listwise":
            t = 2.0 if "warmer" in name else 1.0
            good = sum(math.exp(-p / t) for p in positives)
            return -math.log(good / (good + sum(math.exp(-n / t) for n in negatives)))
        case "margin_ranking":
            against = [min(negatives)] if "hardest" in name else negatives
            margin = 1.0 if "hardest" in name else 0.7
            return mean([max(0.0, margin + p - n) for p in positives for n in against])
        case _:
            smoothing = 0.1 if "smoothed" in name else 0.0
            pairs = [p - n for p in positives for n in negatives]
            right = mean([math.log1p(math.exp(d)) for d in pairs])
            wrong = mean([math.log1p(math.exp(-d)) for d in pairs])
            return (1 - smoothing) * right + smoothing * wrong


@pytest.mark.parametrize("name", ALL)
@given(groups=GROUPS)
@settings(deadline=None, max_examples=20)
def test_a_loss_is_its_formula(name: str, groups: list[list[Member]]) -> None:
    found = ALL[name](*as_batch(groups))
    assert found.shape == ()
    assert found.item() >= 0
    assert found.item() == pytest.approx(expected_loss(name, groups), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", ALL)
@given(groups=GROUPS, filler=st.sampled_from([1e30, -1e30, math.inf, -math.inf, math.nan]), extra=st.integers(0, 2))
@settings(deadline=None, max_examples=20)
def test_padding_never_matters(name: str, groups: list[list[Member]], filler: float, extra: int) -> None:
    energies, batch = as_batch(groups)
    expected = ALL[name](energies, batch)
    expected.backward()
    padded, padded_batch = as_batch(groups, filler, extra)
    assert padded_batch.predicted_log_remaining is not None
    found = ALL[name](padded, padded_batch)
    found.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-7)
    mask = padded_batch.mask
    for gradient in (padded.grad, padded_batch.predicted_log_remaining.grad):
        if gradient is not None:
            assert bool(torch.isfinite(gradient).all())
            assert bool((gradient[~mask] == 0).all())
    if padded.grad is not None and energies.grad is not None:
        assert torch.allclose(padded.grad[mask], energies.grad[batch.mask], atol=1e-6)


@pytest.mark.parametrize("name", ALL)
@given(groups=GROUPS, data=st.data())
@settings(deadline=None, max_examples=20)
def test_the_order_of_members_never_matters(name: str, groups: list[list[Member]], data: st.DataObject) -> None:
    shuffled = [data.draw(st.permutations(group)) for group in data.draw(st.permutations(groups))]
    found, expected = ALL[name](*as_batch(shuffled)).item(), ALL[name](*as_batch(groups)).item()
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(st.floats(-20, 20), st.lists(st.floats(-20, 20), min_size=1, max_size=6))
@settings(deadline=None)
def test_with_one_positive_listwise_is_info_nce(positive: float, negatives: list[float]) -> None:
    groups = [[Member(positive, True), *(Member(energy, False) for energy in negatives)]]
    energies, batch = as_batch(groups)
    expected = torch.nn.functional.cross_entropy(-energies.detach(), torch.zeros(1, dtype=torch.int64)).item()
    assert ALL["listwise"](energies, batch).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert ALL["info_nce"](energies, batch).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_lower_is_better(name: str) -> None:
    # A step down the gradient lowers positives and raises negatives. The wrong sign would train the search backwards.
    energies, batch = as_batch([[Member(1.0, True), Member(0.0, False), Member(0.0, False)]])
    ALL[name](energies, batch).backward()
    assert energies.grad is not None
    assert energies.grad[0, 0] > 0
    assert energies.grad[0, 1:].min() < 0
    assert energies.grad[0, 1:].max() <= 0
    apart = as_batch([[Member(-20.0, True), Member(20.0, False)]])
    swapped = as_batch([[Member(20.0, True), Member(-20.0, False)]])
    assert ALL[name](*apart) < ALL[name](*swapped)


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_only_differences_matter(name: str) -> None:
    group = [Member(1.0, True), Member(0.5, False), Member(2.0, True), Member(-1.0, False)]
    moved = [dataclasses.replace(member, energy=member.energy + 8) for member in group]
    assert ALL[name](*as_batch([moved])).item() == pytest.approx(ALL[name](*as_batch([group])).item(), rel=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_groups_that_teach_nothing_count_nothing(name: str) -> None:
    idle = [[Member(3.0, True)], [Member(1.0, False), Member(2.0, False)]]
    energies, batch = as_batch(idle)
    loss = ALL[name](energies, batch)
    loss.backward()
    assert loss.item() == 0
    assert energies.grad is None or bool((energies.grad == 0).all())
    real = [Member(0.3, True, 2.0, 1.0), Member(0.1, False)]
    assert ALL[name](*as_batch([real, *idle])).item() == pytest.approx(ALL[name](*as_batch([real])).item())


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_a_real_member_that_is_not_finite_shows(name: str) -> None:
    # The trainer skips such a step; a loss that hid it would train on garbage.
    energies, batch = as_batch([[Member(math.nan, True), Member(0.0, False)]])
    assert math.isnan(ALL[name](energies, batch).item())


def test_depth_regression_needs_the_output_that_it_fits() -> None:
    energies, batch = as_batch([[Member(0.0, True, 3.0), Member(0.0, False)]])
    without = dataclasses.replace(batch, predicted_log_remaining=None)
    with pytest.raises(UsageError, match="--ebm-remaining-output"):
        ALL["depth_regression"](energies, without)
    assert ALL["depth_regression, energy"](energies, without).item() == 9


def test_dead_ends_are_at_least_some_steps_away() -> None:
    energies, batch = as_batch([[Member(0.0, True, 3.0), Member(0.0, False)]])
    fit = make_depth_regression(DepthRegressionConfig(dead_end=9), BUILDER)

    def loss(near: float, far: float, dead: bool) -> float:
        predicted = torch.tensor([[near, far]]).to(energies.dtype)
        return fit(
            energies,
            dataclasses.replace(batch, predicted_log_remaining=predicted, dead_end=torch.tensor([[False, dead]])),
        ).item()

    assert loss(math.log(4), 0.0, False) == pytest.approx(0, abs=1e-6)
    assert loss(math.log(4), math.log(10), True) == pytest.approx(0, abs=1e-6)
    assert loss(math.log(4), 5.0, True) == pytest.approx(0, abs=1e-6)  # farther is right as well
    assert loss(math.log(4), math.log(10) - 0.5, True) == pytest.approx(0.5**2 / 2, rel=1e-4)
    assert loss(math.log(4) + 0.5, math.log(10) - 0.5, True) == pytest.approx(0.5**2, rel=1e-4)
    assert loss(math.log(4), 0.0, True) == pytest.approx(math.log(10) - 1 / 2, rel=1e-4)  # linear beyond delta


# ------------------------------------------------------------------------------------------------------ their sum


def test_terms_are_read() -> None:
    assert parse_terms(["info_nce:1", "depth_regression: 0.3", "pairwise", "listwise:0"]) == (
        LossTerm("info_nce", 1.0),
        LossTerm("depth_regression", 0.3),
        LossTerm("pairwise", 1.0),
        LossTerm("listwise", 0.0),
    )


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["info_nce:x"], "'info_nce:x': expected NAME:WEIGHT"),
        (["info_nce:-1"], "expected NAME:WEIGHT"),
        (["info_nce:nan"], "expected NAME:WEIGHT"),
        (["info_nce:inf"], "expected NAME:WEIGHT"),
        (["info_nce:"], "expected NAME:WEIGHT"),
        ([":1"], "expected NAME:WEIGHT"),
        (["info_nce:1", "info_nce:2"], "'info_nce' is given twice"),
        (["info_nce:0"], "no loss has a weight above 0"),
        ([], "--ebm-loss: no loss"),
    ],
)
def test_terms_that_mean_nothing_are_refused(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_terms(texts)


def test_losses_add_up_by_weight_and_are_reported_without() -> None:
    energies, batch = as_batch([[Member(0.5, True, 2.0, 1.5), Member(0.0, False)]])
    losses = WeightedLosses(parse_terms(["info_nce:2", "depth_regression:0.5", "pairwise:0"]), ALL.__getitem__)
    value = losses(energies, batch)
    parts = {name: part.item() for name, part in value.parts.items()}
    assert parts == {name: pytest.approx(ALL[name](energies, batch).item()) for name in parts}
    assert list(parts) == ["info_nce", "depth_regression", "pairwise"]
    assert value.total.item() == pytest.approx(2 * parts["info_nce"] + 0.5 * parts["depth_regression"])
    assert not any(part.requires_grad for part in value.parts.values())
    value.total.backward()
    assert energies.grad is not None
    combined = energies.grad.clone()
    energies.grad = None
    ALL["info_nce"](energies, batch).backward()
    assert torch.allclose(combined, 2 * energies.grad)


def test_an_unknown_loss_is_refused_before_training() -> None:
    def lookup(name: str) -> Loss:
        raise PluginError(f"no loss is named {name!r}")

    with pytest.raises(PluginError, match="'focl'"):
        WeightedLosses(parse_terms(["focl"]), lookup)


@pytest.mark.parametrize("value", [0.5, torch.zeros(2), None])
def test_a_loss_that_returns_no_scalar_is_named(value: object) -> None:
    losses = WeightedLosses(parse_terms(["theirs"]), lambda name: lambda energies, batch: value)
    with pytest.raises(PluginError, match=r"'theirs' returned .*expected a scalar tensor"):
        losses(*as_batch([[Member(0.0, True), Member(0.0, False)]]))
