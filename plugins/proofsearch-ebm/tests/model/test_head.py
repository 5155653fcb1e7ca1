"""The head: scale, standardisation, parts, determinism, strict loading, and that it can learn what is separable."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.losses.info_nce import InfoNce, InfoNceConfig
from proofsearch_ebm.model.folded import fold
from proofsearch_ebm.model.head import (
    MAX_SCALE,
    SPECTRAL_INPUT_SPREAD,
    EnergyHead,
    HeadConfig,
    HeadOutput,
    standardisation,
    state_outputs,
)
from proofsearch_ebm.model.spectral import sigma

torch.set_num_threads(1)

SMALL = HeadConfig(width=12, hidden=(24, 16))


def some_rows(count: int, width: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed)) * 3 + 1


def fitted(config: HeadConfig, rows: torch.Tensor, seed: int = 0) -> EnergyHead:
    head = EnergyHead(config, seed)
    head.fit_inputs(rows.numpy())
    head.set_scale(rows)
    return head


def test_the_default_is_the_head_that_was_asked_for() -> None:
    head = EnergyHead(HeadConfig(width=40))
    shapes = [tuple(layer.weight.shape) for layer in head.eval().layers]
    assert shapes == [(512, 40), (256, 512)]
    assert tuple(head.energy_output.weight.shape) == (1, 256)
    assert head.energy_output.bias is None
    assert all(sigma(layer) == pytest.approx(1, abs=0.01) for layer in [*head.layers, head.energy_output])
    assert head.log_temperature.item() == 0
    assert head.config.dropout == 0.1


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = EnergyHead(SMALL, 1), EnergyHead(SMALL, 1), EnergyHead(SMALL, 2)
    assert torch.equal(torch.rand(3), expected)
    same = [torch.equal(first.state_dict()[name], tensor) for name, tensor in again.state_dict().items()]
    assert all(same)
    assert not torch.equal(first.energy_output.weight, other.energy_output.weight)


@pytest.mark.parametrize("inputs", ["zscore", "l2", "raw"])
@pytest.mark.parametrize("spectral", [True, False])
def test_the_initial_energies_have_standard_deviation_one(inputs: str, spectral: bool) -> None:
    rows = some_rows(400)
    config = HeadConfig.model_validate(
        {"width": 12, "hidden": (24, 16), "inputs": inputs, "spectral_norm": spectral, "dropout": 0.5}
    )
    head = EnergyHead(config)
    head.fit_inputs(rows.numpy())
    before = head.set_scale(rows)
    assert head.training  # as it was
    assert before != pytest.approx(1, abs=0.05)
    assert head.eval()(rows).energy.std(correction=0).item() == pytest.approx(1, rel=1e-4)


def test_the_scale_counts_whole_states_where_they_are_given() -> None:
    rows = some_rows(60)
    index, offsets = torch.arange(60), torch.arange(0, 61, 3)
    head = EnergyHead(SMALL)
    head.set_scale(rows, index, offsets)
    energy = state_outputs(head.eval()(rows), index, offsets).energy
    assert energy.std(correction=0).item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("rows", [some_rows(1), torch.zeros(5, 12)])
def test_equal_energies_leave_the_scale_as_it_is(rows: torch.Tensor) -> None:
    head = EnergyHead(SMALL)
    assert head.set_scale(rows) == pytest.approx(0, abs=1e-6)
    assert math.isfinite(float(head.log_temperature.detach()))


def test_a_fixed_scale_stays_fixed() -> None:
    head = EnergyHead(SMALL.model_copy(update={"learnable_scale": False}))
    assert head.set_scale(some_rows(50)) != 1
    assert head.log_temperature.item() == 0
    assert "log_temperature" not in dict(head.named_parameters())
    assert "log_temperature" in head.state_dict()


def test_the_cost_starts_where_it_is_told_and_is_never_negative() -> None:
    head = EnergyHead(SMALL).eval()
    for steps in (0.5, 7.0, 40.0):
        head.set_cost(steps)
        cost = head(torch.zeros(1, 12)).cost
        assert cost is not None
        assert cost.item() == pytest.approx(steps, abs=0.5)
    cost = head(some_rows(200) * 100).cost
    assert cost is not None
    assert bool((cost >= 0).all())


def test_knobs_of_the_architecture_act() -> None:
    assert EnergyHead(SMALL.model_copy(update={"remaining_output": False}))(some_rows(2)).cost is None
    assert EnergyHead(SMALL.model_copy(update={"layer_norm": True})).norms is not None
    assert EnergyHead(SMALL.model_copy(update={"output_bias": True})).energy_output.bias is not None
    plain = EnergyHead(SMALL.model_copy(update={"spectral_norm": False}))
    assert not any("original" in name for name in plain.state_dict())


@pytest.mark.parametrize(("width", "hidden"), [(12, (24, 16)), (1100, (64,)), (300, (48, 96, 8)), (5, (2,))])
def test_trained_heads_of_every_shape_have_singular_values_of_at_most_one(width: int, hidden: tuple[int, ...]) -> None:
    """A learning rate that the power method can't follow, rare columns as hashed features have them."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.rand(256, width, generator=draw) * (torch.rand(256, width, generator=draw) < 0.05)
    wanted = torch.rand(256, generator=draw) * 20
    head = fitted(HeadConfig(width=width, hidden=hidden), rows)
    optimiser = torch.optim.AdamW(head.parameter_groups(0.01), lr=0.03)
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(head(rows, draw).energy, wanted).backward()
        optimiser.step()
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    settled = head.with_exact_norms()
    for name, tensor in head.state_dict().items():
        assert torch.equal(tensor, before[name])  # a look at the head changes nothing of its training
    assert head.training
    assert not settled.training
    for layer in (*settled.layers, settled.energy_output):
        values = np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)
        assert 0.98 <= values.max() <= 1.02
    # The search's matrices are these, but for the scales that are multiplied in.
    folded = fold(settled)
    assert np.allclose(folded(rows.numpy()).energy, settled(rows).energy.detach().numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("spectral", "spread"), [(True, SPECTRAL_INPUT_SPREAD), (False, 1.0)])
def test_columns_are_spread_such_that_the_hidden_units_are_not_linear(spectral: bool, spread: float) -> None:
    rows = some_rows(500)
    head = fitted(SMALL.model_copy(update={"spectral_norm": spectral}), rows)
    inputs = (rows - head.input_mean) * head.input_scale
    assert inputs.std(dim=0, correction=0).tolist() == pytest.approx([spread] * 12, rel=1e-4)
    # SiLU's curve shows from about 1 on; below a third of that it is a straight line to within a tenth.
    hidden = head.eval().layers[0](inputs)
    assert hidden.std().item() > 1 / 3


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_scale_is_bounded(sign: int) -> None:
    head = EnergyHead(SMALL)
    with torch.no_grad():
        head.log_temperature.fill_(-sign * 50.0)
    head.bound_scale()
    assert float(torch.exp(-head.log_temperature.detach())) == pytest.approx(MAX_SCALE**sign, rel=1e-4)
    near = 3 * some_rows(50) * 1e-9
    head.set_scale(near)
    assert 1 / MAX_SCALE * 0.999 <= float(torch.exp(-head.log_temperature.detach())) <= MAX_SCALE * 1.001


# ------------------------------------------------------------------------------------------------- standardisation


def test_columns_are_standardised_and_constant_ones_ignored() -> None:
    rows = some_rows(500).numpy()
    rows[:, 3] = 0.7
    mean, scale = standardisation(rows)
    scaled = (rows - mean) * scale
    varying = [column for column in range(12) if column != 3]
    assert np.allclose(scaled[:, varying].mean(axis=0), 0, atol=1e-5)
    assert np.allclose(scaled[:, varying].std(axis=0), 1, atol=1e-4)
    assert scale[3] == 0


def test_a_rare_column_is_not_blown_up() -> None:
    rows = np.random.default_rng(0).standard_normal((10_000, 8)).astype(np.float32)
    rows[:, 0] = 0
    rows[0, 0] = 1
    mean, scale = standardisation(rows)
    assert abs((rows[0, 0] - mean[0]) * scale[0]) < 11
    assert standardisation(np.ones((4, 2)))[1].tolist() == [0, 0]


@pytest.mark.parametrize("width", [1, 127, 128, 300, 1025])
def test_some_columns_at_a_time_are_standardised_as_all_at_once(width: int) -> None:
    """Bit for bit, since checkpoints keep what is found: a block must not be so narrow that NumPy adds up otherwise."""
    rows = np.random.default_rng(width).normal(3, 2, (1000, width)).astype(np.float32)
    mean, scale = standardisation(rows, floor=0.0)
    means = rows.mean(axis=0, dtype=np.float64)
    spread = np.sqrt(np.mean((rows - means) ** 2, axis=0, dtype=np.float64))
    assert np.array_equal(mean, means.astype(np.float32))
    assert np.array_equal(scale, (1 / spread).astype(np.float32))


def test_the_scale_is_that_of_all_rows_also_where_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some_rows(50)
    whole = EnergyHead(SMALL)
    before = whole.set_scale(rows)
    monkeypatch.setattr("proofsearch_ebm.model.head.ROWS_AT_ONCE", 7)
    parts = EnergyHead(SMALL)
    assert parts.set_scale(rows) == pytest.approx(before, rel=1e-5)
    assert parts.log_temperature.item() == pytest.approx(whole.log_temperature.item(), rel=1e-5)


# ------------------------------------------------------------------------------------------------------------ parts


@given(st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=6))
@settings(deadline=None)
def test_a_state_is_the_sum_of_its_parts(states: list[list[int]]) -> None:
    energy = torch.tensor([1.0, -2.0, 4.0, 8.0, 16.5])
    cost = torch.tensor([1.0, 2.0, 3.0, 0.5, 0.0])
    index = torch.tensor([row for state in states for row in state], dtype=torch.int64)
    offsets = torch.tensor(np.cumsum([0, *map(len, states)]))
    found = state_outputs(HeadOutput(energy, cost), index, offsets)
    assert found.energy.tolist() == [sum(float(energy[row]) for row in state) for state in states]
    assert found.log_remaining is not None
    expected = [math.log1p(sum(float(cost[row]) for row in state)) for state in states]
    assert found.log_remaining.tolist() == pytest.approx(expected, abs=1e-6)


def test_the_gradient_of_a_shared_part_counts_every_state_that_has_it() -> None:
    energy = torch.zeros(3, requires_grad=True)
    output = state_outputs(HeadOutput(energy, None), torch.tensor([0, 1, 1, 1]), torch.tensor([0, 2, 4]))
    (output.energy * torch.tensor([1.0, 10.0])).sum().backward()
    assert energy.grad is not None
    assert energy.grad.tolist() == [1, 21, 0]
    assert output.log_remaining is None


# ---------------------------------------------------------------------------------------- training against inference


def test_evaluation_repeats_bit_for_bit() -> None:
    rows = some_rows(9)
    head = fitted(SMALL, some_rows(50)).eval()
    first = head(rows)
    for _ in range(3):
        again = head(rows)
        assert torch.equal(first.energy, again.energy)
        assert first.cost is not None
        assert again.cost is not None
        assert torch.equal(first.cost, again.cost)


def test_dropout_comes_from_the_generator_alone_and_keeps_the_mean() -> None:
    rows = some_rows(4)
    head = EnergyHead(HeadConfig(width=12, hidden=(4000,), dropout=0.3, spectral_norm=False)).train()
    generator = torch.Generator().manual_seed(3)
    state = generator.get_state()
    first = head(rows, generator).energy
    assert not torch.equal(first, head(rows, generator).energy)
    generator.set_state(state)
    torch.manual_seed(99)
    assert torch.equal(first, head(rows, generator).energy)
    drawn = torch.stack([head(rows, generator).energy.detach() for _ in range(400)])
    error = drawn.std(dim=0) / 20
    assert bool(((drawn.mean(dim=0) - head.eval()(rows).energy).abs() < 5 * error).all())


def test_a_logit_in_training_is_the_logit_in_search() -> None:
    # The scale that training learns is the one that the search applies; nothing differs but dropout, off here.
    config = SMALL.model_copy(update={"dropout": 0.0})
    rows = some_rows(64)
    head = fitted(config, rows)
    with torch.no_grad():
        head.log_temperature.fill_(-4.0)
        trained = head.train()(rows).energy
        searched = torch.from_numpy(fold(head)(rows.numpy()).energy)
    assert float(trained.std()) > 2
    assert torch.allclose(trained, searched, rtol=1e-3, atol=1e-3)  # a training step moves the vectors once more
    assert torch.allclose(head.eval()(rows).energy, searched, rtol=1e-5, atol=1e-5)


def test_a_state_dict_with_a_gap_is_refused() -> None:
    tensors = EnergyHead(SMALL).state_dict()
    assert "layers.0.parametrizations.weight.0._u" in tensors
    for name in ("layers.0.parametrizations.weight.0._u", "log_temperature", "input_scale"):
        with pytest.raises(RuntimeError, match=name):
            EnergyHead(SMALL).load_state_dict({key: tensor for key, tensor in tensors.items() if key != name})
    with pytest.raises(RuntimeError, match="surplus"):
        EnergyHead(SMALL).load_state_dict({**tensors, "surplus": torch.zeros(1)})


def test_only_weights_decay() -> None:
    head = EnergyHead(SMALL.model_copy(update={"layer_norm": True}))
    groups = {group["name"]: group for group in head.parameter_groups(0.01)}
    assert groups["weights"]["weight_decay"] == 0.01
    assert groups["rest"]["weight_decay"] == groups["scale"]["weight_decay"] == 0
    assert groups["scale"]["params"] == [head.log_temperature]
    assert all(parameter.ndim == 2 for parameter in groups["weights"]["params"])
    assert sum(len(group["params"]) for group in groups.values()) == len(list(head.parameters()))
    torch.optim.AdamW(list(groups.values()), lr=1e-3)


def overfit(config: HeadConfig) -> float:
    """The loss on 64 groups of a positive and four negatives, which one column tells apart, after training on them."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(64 * 5, config.width, generator=generator)
    rows[:, 0] = rows[:, 0].abs() + 0.5
    rows[::5, 0] *= -1
    head = fitted(config, rows)
    positive = torch.zeros(64, 5, dtype=torch.bool)
    positive[:, 0] = True
    batch = GroupBatch(torch.ones(64, 5, dtype=torch.bool), positive, torch.full((64, 5), -1.0))
    loss = InfoNce(InfoNceConfig())
    optimiser = torch.optim.AdamW(head.parameter_groups(0.01), lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        loss(head(rows, generator).energy.view(64, 5), batch).backward()
        optimiser.step()
    return float(loss(torch.from_numpy(fold(head)(rows.numpy()).energy).view(64, 5), batch))


def test_separable_groups_are_learnt_with_spectral_norm_on() -> None:
    assert overfit(HeadConfig(width=16, hidden=(64, 32))) < 0.1


def test_without_a_scale_spectral_norm_is_stuck() -> None:
    # Layers of spectral norm 1 can't reach the energies that the softmax needs: why there is a learnt scale at all.
    # Rows of unit length show it; what standardised columns are spread to makes up for it where groups are so easily
    # told apart.
    assert overfit(HeadConfig(width=16, hidden=(64, 32), inputs="l2", learnable_scale=False)) > 0.3
    assert overfit(HeadConfig(width=16, hidden=(64, 32), inputs="l2")) < 0.1


def by_buckets(*bounds: float) -> HeadConfig:
    return HeadConfig(width=12, hidden=(24, 16), remaining_bounds=bounds)


def test_a_second_output_by_buckets_expects_what_its_logits_say() -> None:
    head = EnergyHead(by_buckets(1, 2, 4)).eval()
    with torch.no_grad():
        head.cost_output.weight.zero_()
        for bias, expected in (([-30, -30, -30], 0.5), ([30, -30, -30], 1.5), ([30, 30, 30], 6.0), ([30, 30, 0], 4.5)):
            head.cost_output.bias.copy_(torch.tensor(bias))
            output = head(some_rows(2))
            assert output.cost.tolist() == pytest.approx([expected] * 2, abs=1e-4)
            assert output.exceeds.shape == (2, 3)
            assert output.bounds == (1, 2, 4)


@pytest.mark.parametrize("steps", [2.0, 5.0, 12.0])
def test_the_first_guess_of_buckets_is_near_the_mean(steps: float) -> None:
    head = EnergyHead(by_buckets(*(float(bound) for bound in range(1, 60)))).eval()
    head.set_cost(steps)
    with torch.no_grad():
        head.cost_output.weight.zero_()
        assert head(some_rows(1)).cost.item() == pytest.approx(steps, rel=0.1)


def test_logits_of_buckets_are_those_of_states_with_one_part_each() -> None:
    output = EnergyHead(by_buckets(1, 2)).eval()(some_rows(3))
    alone = state_outputs(output, torch.tensor([2, 0]), torch.tensor([0, 1, 2]))
    assert torch.equal(alone.exceeds, output.exceeds[[2, 0]])
    assert alone.bounds == (1, 2)
    assert state_outputs(output, torch.tensor([2, 0, 1]), torch.tensor([0, 1, 3])).exceeds is None


def test_bounds_increase() -> None:
    with pytest.raises(ValueError, match="increasing"):
        by_buckets(1, 1)
