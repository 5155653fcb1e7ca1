"""The folded head: the same energies as the head's, nothing of the head changed, and no torch in a search."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from proofsearch_ebm.model.architecture import HeadConfig
from proofsearch_ebm.model.folded import FoldedHead, FoldedOutput, add_parts, fold, fold_tensors
from proofsearch_ebm.model.head import EnergyHead, state_outputs
from safetensors import numpy as safetensors_numpy
from safetensors import torch as safetensors_torch

from proofsearch.errors import InputError

torch.set_num_threads(1)

RANDOM = np.random.default_rng(0)
ROWS = (RANDOM.standard_normal((40, 10)) * 5 + 20).astype(np.float32)
CONFIG = HeadConfig(width=10, hidden=(24, 16))


def trained(config: HeadConfig) -> EnergyHead:
    """A head some way into a training, so that no parameter stands where it began."""
    head = EnergyHead(config, 3)
    head.fit_inputs(ROWS)
    head.set_scale(torch.from_numpy(ROWS))
    optimiser = torch.optim.Adam(head.parameters(), lr=1e-2)
    wanted = torch.from_numpy(ROWS[:, 0])
    for _ in range(5):
        optimiser.zero_grad()
        output = head(torch.from_numpy(ROWS))
        error = (output.energy - wanted).square().mean()
        if output.cost is not None:
            error = error + (output.cost - wanted).square().mean()
        error.backward()
        optimiser.step()
    return head


def assert_equal(folded: FoldedHead, head: EnergyHead, rows: np.ndarray) -> None:
    with torch.no_grad():
        expected = head.eval()(torch.from_numpy(rows))
    found = folded(rows)
    size = max(1.0, float(expected.energy.abs().max()))
    assert found.energy.dtype == np.float32
    assert np.abs(found.energy - expected.energy.numpy()).max() < 1e-5 * size
    assert (found.remaining is None) == (expected.cost is None)
    if found.remaining is not None and expected.cost is not None:
        assert found.remaining.dtype == np.float32
        assert np.allclose(found.remaining, expected.cost.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("spectral", [True, False])
def test_folding_keeps_what_buckets_expect(spectral: bool) -> None:
    head = trained(HeadConfig(width=10, hidden=(24, 16), spectral_norm=spectral, remaining_bounds=(1, 2, 4, 8)))
    assert_equal(fold(head), head, ROWS)
    assert len(np.unique(fold(head)(ROWS).remaining)) > 1


@pytest.mark.parametrize(
    ("inputs", "spectral", "norm", "both"),
    list(itertools.product(["zscore", "l2", "raw"], [True, False], [True, False], [True, False])),
)
def test_folding_changes_no_energy(inputs: str, spectral: bool, norm: bool, both: bool) -> None:
    config = HeadConfig.model_validate(
        {
            "width": 10,
            "hidden": (24, 16),
            "inputs": inputs,
            "spectral_norm": spectral,
            "layer_norm": norm,
            "remaining_output": both,
            "output_bias": both,
            "learnable_scale": not norm,
        }
    )
    head = trained(config)
    assert_equal(fold(head), head, ROWS)


def test_the_full_size_folds_too() -> None:
    rows = RANDOM.standard_normal((70, 300)).astype(np.float32) * 0.03
    head = EnergyHead(HeadConfig(width=300))
    head.fit_inputs(rows)
    head.set_scale(torch.from_numpy(rows))
    assert_equal(fold(head), head, rows)


def test_folding_leaves_the_head_as_it_was() -> None:
    head = trained(CONFIG).train()
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    folded = fold(head)
    assert head.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in head.state_dict().items())
    energies = folded(ROWS).energy
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(1.0)
    assert np.array_equal(folded(ROWS).energy, energies)  # a copy, not a view


def test_saved_loaded_and_folded_it_is_the_same_head(tmp_path: Path) -> None:
    head = trained(CONFIG)
    file = tmp_path / "head.safetensors"
    safetensors_torch.save_file(head.state_dict(), file)
    loaded = EnergyHead(CONFIG, seed=9)
    loaded.load_state_dict(safetensors_torch.load_file(file))
    assert all(torch.equal(tensor, head.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    expected = fold(head)(ROWS)
    without_torch = fold_tensors(CONFIG, safetensors_numpy.load_file(file), file)
    for other in (fold(loaded)(ROWS), without_torch(ROWS)):
        assert np.array_equal(other.energy, expected.energy)
        assert other.remaining is not None
        assert expected.remaining is not None
        assert np.array_equal(other.remaining, expected.remaining)


def test_a_batch_equals_its_rows_one_by_one() -> None:
    folded = fold(trained(CONFIG))
    one_by_one = np.concatenate([folded(row[None]).energy for row in ROWS])
    assert np.allclose(folded(ROWS).energy, one_by_one, rtol=1e-5, atol=1e-5)
    assert folded(ROWS[:0]).energy.shape == (0,)


def test_states_are_added_up_as_in_training() -> None:
    head = trained(CONFIG).eval()
    index, offsets = np.array([0, 1, 1, 4, 5, 2]), np.array([0, 2, 2, 3, 6])
    with torch.no_grad():
        expected = state_outputs(head(torch.from_numpy(ROWS)), torch.from_numpy(index), torch.from_numpy(offsets))
    found = fold(head).states(ROWS, index, offsets)
    assert np.allclose(found.energy, expected.energy.numpy(), rtol=1e-5, atol=1e-4)
    assert found.energy[1] == 0  # no parts
    assert found.remaining is not None
    assert expected.log_remaining is not None
    assert np.allclose(np.log1p(found.remaining), expected.log_remaining.numpy(), rtol=1e-5)


def test_parts_without_a_second_output_have_none() -> None:
    found = add_parts(FoldedOutput(np.ones(2, np.float32), None), np.array([0, 1, 1]), np.array([0, 3]))
    assert found.remaining is None
    assert found.energy.tolist() == [3]


def test_large_activations_overflow_nothing() -> None:
    head = EnergyHead(HeadConfig(width=10, hidden=(8,), inputs="raw", spectral_norm=False))
    folded = fold(head)
    assert folded.width == 10
    output = folded(np.full((1, 10), -1e4, np.float32))  # a warning would fail here
    assert np.isfinite(output.energy).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", "'layers.1.parametrizations.weight.0._v' is missing"),
        ("extra", "'surplus' belongs to no part"),
        ("shape", r"'input_mean' has shape \(3,\).*needs \(10,\)"),
        ("nan", "'log_temperature' holds numbers that are not finite"),
        ("double", "'input_scale' is of type float64, expected float32"),
        ("integer", "'layers.1.bias' is of type int64, expected float32"),
        ("zero", "'layers.0' has no spectral norm"),
    ],
)
def test_tensors_that_do_not_fit_are_named(change: str, words: str) -> None:
    tensors = {name: tensor.detach().numpy().copy() for name, tensor in EnergyHead(CONFIG).state_dict().items()}
    match change:
        case "missing":
            del tensors["layers.1.parametrizations.weight.0._v"]
        case "extra":
            tensors["surplus"] = np.zeros(1)
        case "shape":
            tensors["input_mean"] = np.zeros(3)
        case "nan":
            tensors["log_temperature"] = np.array(np.nan, np.float32)
        case "double":
            tensors["input_scale"] = tensors["input_scale"].astype(np.float64)
        case "integer":
            tensors["layers.1.bias"] = np.zeros(16, np.int64)
        case "zero":
            tensors["layers.0.parametrizations.weight.original"][:] = 0
    with pytest.raises(InputError, match=words):
        fold_tensors(CONFIG, tensors, "ckpt")


@pytest.mark.parametrize("value", [-200, -100, 89, 200])
def test_a_temperature_with_which_no_energy_says_anything_is_refused(value: float) -> None:
    """Catches a search that goes on by energies that are all infinite, no numbers, or 0."""
    tensors = {name: tensor.detach().numpy().copy() for name, tensor in EnergyHead(CONFIG).state_dict().items()}
    tensors["log_temperature"] = np.array(value, np.float32)
    with pytest.raises(InputError, match=rf"weights of the output .* not finite .*log_temperature is {value}"):
        fold_tensors(CONFIG, tensors, "ckpt")


def test_a_scale_that_single_precision_can_not_hold_is_refused() -> None:
    tensors = {name: tensor.detach().numpy().copy() for name, tensor in EnergyHead(CONFIG).state_dict().items()}
    tensors["input_scale"][:] = 3e38
    tensors["layers.0.parametrizations.weight.0._u"] *= np.float32(1e-6)
    with pytest.raises(InputError, match="the weights of layer 0 of the head are not finite"):
        fold_tensors(CONFIG, tensors, "ckpt")


def test_a_search_and_a_list_of_plugins_import_no_torch() -> None:
    modules = ["model.folded", "model.architecture", "batch"]
    losses = ["depth_regression", "info_nce", "listwise", "margin_ranking", "pairwise"]
    names = [f"proofsearch_ebm.{module}" for module in [*modules, *(f"losses.{loss}" for loss in losses)]]
    program = f"import {', '.join(names)}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
