"""What the trainer refuses without data: the same as with them, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig
from proofsearch_ebm.losses.ordinal_regression import OrdinalRegression, OrdinalRegressionConfig
from proofsearch_ebm.model.architecture import HeadConfig
from proofsearch_ebm.model.checkpoint import save_checkpoint
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch.errors import InputError, PluginError, UsageError
from proofsearch.protocols import ChecksOptions, TrainingRequest
from proofsearch.testing import SampleBuilder
from proofsearch.trainers.state import TrainingState, save_state
from proofsearch.trainers.tensors import to_arrays

LOSSES = {
    "depth_regression": DepthRegression(DepthRegressionConfig()),
    "listwise": Listwise(ListwiseConfig()),
    "ordinal_regression": OrdinalRegression(OrdinalRegressionConfig()),
    "nats": DepthRegression(DepthRegressionConfig(measure="nats")),
}


def check(out, resume=False, **options):
    with SampleBuilder(losses=LOSSES) as builder:
        trainer = EbmTrainer(EbmTrainerConfig(**options), builder)
        assert isinstance(trainer, ChecksOptions)
        trainer.check(TrainingRequest((), out, 0, resume))


@pytest.fixture
def earlier(tmp_path):
    """A checkpoint over the sample encoder, with hidden layers of 8 and 4."""
    folder, shape = tmp_path / "earlier", HeadConfig(width=16, hidden=(8, 4))
    with SampleBuilder() as builder:
        encoder = builder.encoder("context").fingerprint()
    tensors = to_arrays(EnergyHead(shape, 0).state_dict())
    folder.mkdir()
    save_checkpoint(
        folder,
        shape,
        tensors,
        step=1,
        encoders={"context": {}},
        parts="state",
        with_theorem=True,
        training={},
        fingerprints={"encoder": encoder, "environment": ""},
        metrics={},
        learnt=set(),
    )
    return folder


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"loss": ("listwise",), "remaining_output": False},
        {"loss": ("listwise", "ordinal_regression"), "buckets": True},
        {"loss": ("listwise", "nats")},
        {"groups": "tiers", "hard": 1, "medium": 0, "easy": 0},
        {"device": "auto", "parts": "goals"},
    ],
)
def test_what_can_be_trained_with_is_accepted_and_leaves_no_trace(tmp_path, options):
    check(tmp_path / "out", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": Path("nowhere")}, InputError, "--ebm-start: nowhere"),
        ({"device": "cuda:63"}, UsageError, "--ebm-device cuda:63: torch sees"),
        ({"loss": ("listwse",)}, PluginError, "no loss is named 'listwse'"),
        ({"loss": ("listwise:-1",)}, UsageError, "--ebm-loss 'listwise:-1'"),
        ({"remaining_output": False}, UsageError, "depth_regression fits the head's second output, .* has none"),
        ({"loss": ("listwise", "ordinal_regression")}, UsageError, "ordinal_regression fits the logits"),
        ({"loss": ("listwise", "depth_regression:0"), "remaining_output": False}, UsageError, "depth_regression"),
        ({"groups": "tiers", "hard": 0, "medium": 0, "easy": 0}, UsageError, "the shares of the tiers"),
    ],
)
def test_what_is_wrong_by_itself_is_refused_without_data(tmp_path, options, error, message):
    """Catches what was told only after three thousand searches had been recorded to learn from."""
    with pytest.raises(error, match=message):
        check(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_start_that_does_not_fit_is_refused_without_data(tmp_path, earlier):
    check(tmp_path / "out", start=earlier, hidden=(8, 4))
    with pytest.raises(UsageError, match="--ebm-hidden: the head to begin with"):
        check(tmp_path / "out", start=earlier)
    with pytest.raises(UsageError, match="--ebm-encoder, --ebm-append: the head to begin with"):
        check(tmp_path / "out", start=earlier, hidden=(8, 4), encoder="hashed")


def test_what_a_training_can_not_be_resumed_with_is_refused_without_data(tmp_path, earlier):
    with pytest.raises(UsageError, match="holds a training already; resume it with --resume"):
        check(earlier)
    with pytest.raises(InputError, match="a checkpoint without the state of its training"):
        check(earlier, resume=True)
    begun = {"config": EbmTrainerConfig().model_dump(mode="json"), "seed": 0}
    (tmp_path / "begun").mkdir()
    save_state(tmp_path / "begun", TrainingState(1, {}, begun))
    check(tmp_path / "begun", resume=True, threads=2)
    with pytest.raises(UsageError, match=r"--ebm-batch: .* was trained with 64, found 8"):
        check(tmp_path / "begun", resume=True, batch=8)
