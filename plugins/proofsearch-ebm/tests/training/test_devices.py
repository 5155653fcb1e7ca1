"""Training on a device: everything is brought there and back, and a training goes on wherever it is resumed.

No test needs an accelerator: the fixture of this name is one that computes on the processor.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.info_nce import InfoNce, InfoNceConfig
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig
from proofsearch_ebm.losses.margin_ranking import MarginRanking, MarginRankingConfig
from proofsearch_ebm.losses.ordinal_regression import OrdinalRegression, OrdinalRegressionConfig
from proofsearch_ebm.losses.pairwise import Pairwise, PairwiseConfig
from proofsearch_ebm.model.checkpoint import load_checkpoint
from proofsearch_ebm.model.head import EnergyHead, HeadConfig
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch.errors import UsageError
from proofsearch.protocols import TrainingRequest
from proofsearch.trainers.state import load_state

LOSSES = {
    "depth_regression": DepthRegression(DepthRegressionConfig()),
    "info_nce": InfoNce(InfoNceConfig()),
    "listwise": Listwise(ListwiseConfig()),
    "margin_ranking": MarginRanking(MarginRankingConfig(pairs="hardest")),
    "ordinal_regression": OrdinalRegression(OrdinalRegressionConfig()),
    "pairwise": Pairwise(PairwiseConfig()),
}
OPTIONS = {
    "steps": 8,
    "hidden": (8, 4),
    "batch": 4,
    "warmup": 2,
    "validate_every": 3,
    "checkpoint_every": 4,
    "bootstrap": 100,
    "validation_share": 0.3,
    "min_expansions": 1,
    "context": "none",
}


class Builder:
    """What the trainer asks for."""

    def __init__(self, encoder):
        self.made = encoder

    def status(self, message, done=None, total=None):
        pass

    def encoder_options(self, name):
        return {}

    def encoder(self, name, options=None):
        return self.made

    def loss_options(self, name):
        return {}

    def loss(self, name):
        return LOSSES[name]


def proof(name):
    script, node = [], name
    for level in range(3):
        siblings = [f"{name}{level}.{place} & x" for place in range(4)]
        good = f"{name}{level} & y"
        script.append((node, [*siblings, good] if level < 2 else ["qed", *siblings]))
        node = good
    script[1:1] = [(f"{name}0.1 & x", [f"{name}0.1 & w"]), (f"{name}0.1 & w", ["no"])]
    return script


@pytest.fixture
def train(table, write, letters, tmp_path, monkeypatch):
    path = write("train", *(table(f"t{number}", proof(f"t{number}")) for number in range(10)))
    monkeypatch.setattr("proofsearch_ebm.training.trainer.write_plots", lambda folder, pictures: [])
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)

    def run(out, *, report=lambda report: None, resume=False, **options):
        trainer = EbmTrainer(EbmTrainerConfig(**(OPTIONS | options)), Builder(letters()))
        return trainer.train(TrainingRequest([path], tmp_path / out, 0, resume, report))

    return run


@pytest.fixture
def there(monkeypatch, accelerator):
    """What the option calls ``cuda`` is the accelerator, while this is entered."""
    monkeypatch.setattr(
        "proofsearch_ebm.training.beforehand.choose_device",
        lambda name, torch, option: {"cuda": "lazy"}.get(name, name),
    )
    return accelerator


def arrays(folder):
    return {f"{group}/{name}": array for group, of in load_state(folder).tensors.items() for name, array in of.items()}


def assert_alike(folder, other):
    """The same random numbers, and the same weights but for the order in which a device adds up."""
    one, two = arrays(folder), arrays(other)
    assert one.keys() == two.keys()
    for name, array in one.items():
        if name.startswith("random/"):
            assert np.array_equal(array, two[name])
        np.testing.assert_allclose(array, two[name], rtol=1e-3, atol=1e-5, err_msg=name)


def metrics(folder):
    return json.loads((folder / "manifest.json").read_text())["metrics"]


def test_tensors_of_the_device_refuse_those_of_the_processor(accelerator):
    """Otherwise the tests below could not fail."""
    with accelerator() as device:
        one = torch.ones(2).to(device)
        assert one.device == (one + one).device == device
        with pytest.raises(AssertionError, match="meet"):
            one + torch.ones(2)
        with pytest.raises(TypeError, match="numpy"):
            one.numpy()
        assert (one + one).cpu().numpy().tolist() == [2, 2]


@pytest.mark.parametrize(
    "options",
    [
        {},
        # A constant that no loss can see has a gradient of nothing but rounding, which Adam makes steps of.
        {"groups": "tiers", "parts": "goals", "loss": ("info_nce:1", "depth_regression:0.3"), "output_bias": False},
        {"groups": "frontier", "loss": ("pairwise:1", "margin_ranking:1"), "layer_norm": True, "inputs": "l2"},
        {"buckets": True, "loss": ("listwise:1", "ordinal_regression:1"), "solved": 2, "mistakes": 2},
        {"spectral_norm": False, "remaining_output": False, "loss": ("listwise:1",), "learnable_scale": False},
    ],
    ids=lambda options: options.get("groups", "buckets" if "buckets" in options else str(len(options))),
)
def test_a_training_on_a_device_is_that_of_the_processor(train, there, tmp_path, options):
    train("here", **options)
    with there():
        train("there", device="cuda", **options)
    assert_alike(tmp_path / "there", tmp_path / "here")
    here, elsewhere = metrics(tmp_path / "here"), metrics(tmp_path / "there")
    assert (here["device"], elsewhere["device"]) == ("cpu", "lazy")
    for name, value in here["validation"].items():
        assert elsewhere["validation"][name] == pytest.approx(value, rel=1e-3, abs=1e-4), name
    found = load_checkpoint(tmp_path / "there").head(np.ones((1, 8), np.float32)).energy
    np.testing.assert_allclose(
        found, load_checkpoint(tmp_path / "here").head(np.ones((1, 8), np.float32)).energy, rtol=1e-3, atol=1e-4
    )


class Stop:
    """Ctrl-C after a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, report):
        if report.step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("first", "second"), [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_a_training_goes_on_on_another_device(train, there, tmp_path, first, second):
    # Weights, optimiser and random numbers: what stays where it was, or depends on the device, shows here.
    with there():
        train("whole", device=first)
        with pytest.raises(KeyboardInterrupt):
            train("parts", device=first, report=Stop(5))
        assert load_state(tmp_path / "parts").step == 5
        train("parts", device=second, resume=True)
    assert_alike(tmp_path / "parts", tmp_path / "whole")
    if first == second:
        for name, array in arrays(tmp_path / "whole").items():
            assert np.array_equal(array, arrays(tmp_path / "parts")[name]), name


def test_a_finished_training_is_finished_on_every_device(train, tmp_path):
    train("x")
    said = []
    train("x", device="auto", resume=True, report=lambda report: said.extend(report.messages))
    assert any("nothing to resume" in message for message in said)


def test_a_device_that_is_not_there_is_refused_before_anything_is_read(train, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"^--ebm-device cuda:1: torch sees 0 of kind cuda; choose auto or cpu$"):
        train("x", device="cuda:1")
    assert not (tmp_path / "x").exists()


def test_a_head_on_a_device_is_settled_and_copied_there(accelerator):
    rows = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    head = EnergyHead(HeadConfig(width=3, hidden=(4,)))
    expected = head.with_exact_norms()(torch.from_numpy(rows)).energy
    with accelerator() as device:
        copy = head.to(device).with_exact_norms()
        energy = copy(torch.from_numpy(rows).to(device)).energy
        assert copy.device == energy.device == device
        assert torch.equal(energy.detach().cpu(), expected.detach())
