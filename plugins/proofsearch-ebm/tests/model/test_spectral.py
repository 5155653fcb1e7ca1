"""Spectral norm: σ(W) is 1 and stays so, gradients flow, and evaluation moves nothing."""

from __future__ import annotations

import pytest
import torch
from proofsearch_ebm.model.spectral import settle, sigma, spectral_linear

torch.set_num_threads(1)


@pytest.mark.parametrize(("inputs", "outputs"), [(300, 200), (64, 128), (40, 1), (1, 7)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_largest_singular_value_is_one(inputs: int, outputs: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = spectral_linear(inputs, outputs, bias=False)
    assert layer.bias is None
    assert layer(torch.ones(5, inputs)).shape == (5, outputs)
    assert sigma(layer) == pytest.approx(1.0, abs=1e-5)


def test_close_singular_values_are_told_apart() -> None:
    # The power method needs hundreds of steps here: each takes the share of the second direction down by .2%.
    layer = spectral_linear(30, 20, bias=False)
    values = torch.linspace(1.0, 0.5, 20)
    values[1] = 0.999
    rotated = torch.linalg.qr(torch.randn(30, 20)).Q * values
    with torch.no_grad():
        dict(layer.named_parameters())["parametrizations.weight.original"].copy_(rotated.T)
    settle(layer)
    assert sigma(layer) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_matrix_without_a_norm_is_left_alone(value: float) -> None:
    layer = spectral_linear(6, 4, bias=False)
    with torch.no_grad():
        dict(layer.named_parameters())["parametrizations.weight.original"].fill_(value)
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    settle(layer)
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor.nan_to_num(), before[name].nan_to_num())


def test_it_stays_about_one_while_training() -> None:
    torch.manual_seed(0)
    layer = spectral_linear(48, 24)
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-3)
    rows, wanted = torch.randn(64, 48), torch.randn(64, 24)
    for _ in range(60):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(layer(rows), wanted).backward()
        optimiser.step()
    assert sigma(layer) == pytest.approx(1.0, abs=0.03)


def test_gradients_reach_the_raw_matrix_and_not_its_length() -> None:
    torch.manual_seed(0)
    layer = spectral_linear(20, 10)
    layer(torch.randn(8, 20)).square().sum().backward()
    raw = dict(layer.named_parameters())["parametrizations.weight.original"]
    assert raw.grad is not None
    assert bool(torch.isfinite(raw.grad).all())
    assert float(raw.grad.abs().max()) > 1e-3
    # Scaling the raw matrix changes nothing, so the gradient has no component along it.
    along = (raw.grad * raw).sum() / (raw.grad.norm() * raw.norm())
    assert float(along.detach()) == pytest.approx(0, abs=1e-2)


def test_evaluation_repeats_bit_for_bit_and_moves_nothing() -> None:
    torch.manual_seed(0)
    layer = spectral_linear(20, 10).eval()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    rows = torch.randn(8, 20)
    first = layer(rows)
    assert all(torch.equal(first, layer(rows)) for _ in range(3))
    assert sigma(layer) == sigma(layer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in layer.state_dict().items())


def test_settling_corrects_a_matrix_that_was_changed() -> None:
    torch.manual_seed(0)
    layer = spectral_linear(20, 10).eval()
    with torch.no_grad():
        dict(layer.named_parameters())["parametrizations.weight.original"].copy_(torch.randn(10, 20))
    assert abs(sigma(layer) - 1) > 0.1
    settle(layer)
    assert sigma(layer) == pytest.approx(1.0, abs=1e-5)
    assert not layer.training
