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
from proofsearch_ebm.training.beforehand import look_at
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch.errors import InputError, PluginError, UsageError
from proofsearch.protocols import ChecksOptions, TrainingRequest
from proofsearch.testing import SampleBuilder, SampleEncoder
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


class Asking(SampleEncoder):
    """An encoder that asks a policy."""

    def __init__(self, policy):
        self.policy = policy

    def policy_fingerprint(self):
        return self.policy


class Renamed(SampleEncoder):
    """One whose rows are others."""

    def fingerprint(self):
        return "sample-encoder-2"


class Chosen(SampleBuilder):
    """A builder whose losses and encoders have options."""

    def __init__(self, losses=None, encoders=None, encoder=None):
        super().__init__(losses=LOSSES, encoders={"context": encoder or SampleEncoder()})
        self.of_losses = {"depth_regression": {"dead_end": 32.0, "measure": "steps"}} | (losses or {})
        self.of_encoders = {"context": {"width": 16, "device": "cpu"}} | (encoders or {})

    def loss_options(self, name):
        return self.of_losses.get(name, {})

    def encoder_options(self, name):
        return self.of_encoders.get(name, {})


@pytest.fixture
def begun(tmp_path):
    """``begun(builder)``: the folder of a training that was begun with it."""

    def begin(builder, **left_out):
        request = TrainingRequest((), tmp_path / "begun")
        given = look_at(EbmTrainerConfig(), builder, request)
        values = given.settings.origin("data", **given.noted())
        request.out.mkdir()
        save_state(request.out, TrainingState(1, {}, {name: values[name] for name in values if name not in left_out}))
        return request.out

    return begin


def resumed(out, builder):
    EbmTrainer(EbmTrainerConfig(), builder).check(TrainingRequest((), out, 0, resume=True))


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ({"dead_end": 8.0, "measure": "steps"}, "--depth_regression-dead-end: .* was trained with 32.0, found 8.0"),
        ({"dead_end": 32.0, "measure": "nats"}, "--depth_regression-measure: .* trained with 'steps', found 'nats'"),
    ],
)
def test_a_training_is_not_resumed_with_another_option_of_a_loss(begun, losses, message):
    """Catches a head that has learnt one thing for a while and then another."""
    out = begun(Chosen())
    resumed(out, Chosen())
    with pytest.raises(UsageError, match=message):
        resumed(out, Chosen(losses={"depth_regression": losses}))
    # One that has not been asked for teaches nothing.
    resumed(out, Chosen(losses={"pairwise": {"margin": 3.0}}))


def test_of_an_encoder_what_shapes_its_rows_may_not_change(begun):
    out = begun(Chosen())
    resumed(out, Chosen(encoders={"context": {"width": 16, "device": "cuda"}}))
    with pytest.raises(UsageError, match=r"--context-width: .* was trained with 16, found 32"):
        resumed(out, Chosen(encoders={"context": {"width": 32, "device": "cpu"}}, encoder=Renamed()))
    with pytest.raises(
        UsageError, match=r"the encoder context: .* fingerprint sample-encoder-1, found sample-encoder-2"
    ):
        resumed(out, Chosen(encoder=Renamed()))


def test_the_policy_that_an_encoder_asks_may_not_change(begun):
    """Its fingerprint is no part of the encoder's, and yet its statistics are the rows."""

    def builder(policy="ranker-1", **options):
        options = {"generator": None, "replay": True} | options
        return Chosen(encoders={"context": options}, encoder=Asking(policy))

    out = begun(builder())
    resumed(out, builder(generator="ranker"))  # the same one, by its name
    with pytest.raises(UsageError, match=r"--context-generator: .* was trained with None, found 'other'"):
        resumed(out, builder("other-1", generator="other"))
    with pytest.raises(UsageError, match=r"the encoder context: .* with the policy ranker-1, found ranker-2"):
        resumed(out, builder("ranker-2"))
    with pytest.raises(UsageError, match=r"--context-replay: .* was trained with True, found False"):
        resumed(out, builder(replay=False))


def test_a_training_that_noted_nothing_of_its_components_is_resumed(begun):
    """Those of earlier versions."""
    out = begun(Chosen(), components=True, encoders=True)
    resumed(out, Chosen(losses={"depth_regression": {"dead_end": 8.0}}, encoder=Renamed()))
