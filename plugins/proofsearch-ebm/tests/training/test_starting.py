"""A warm start: the head goes on being the function that it was, nothing else of the earlier training counts."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig
from proofsearch_ebm.model.checkpoint import THEOREMS, load_checkpoint
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.trainer import EbmTrainer

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import TrainingRequest
from proofsearch.trainers.state import load_state

LOSSES = {
    "depth_regression": DepthRegression(DepthRegressionConfig()),
    "listwise": Listwise(ListwiseConfig()),
}
OPTIONS = {
    "steps": 12,
    "hidden": (8, 4),
    "batch": 4,
    "warmup": 2,
    "learning_rate": 1e-2,
    "validate_every": 4,
    "checkpoint_every": 5,
    "bootstrap": 100,
    "validation_share": 0.3,
    "min_expansions": 1,
    "patience": 0,
}
NOTHING = 1e-12
"""A learning rate by which nothing is learnt."""


class Builder:
    """What the trainer asks for."""

    def __init__(self, encoder, size):
        self.made = encoder
        self.size = size

    def status(self, message, done=None, total=None):
        pass

    def encoder_options(self, name):
        return {"size": self.size}

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
    return script


@pytest.fixture
def searches(table, write):
    """``searches("name", 3, 9, split)``: a file of searches of the theorems t3 to t8."""

    def record(name, first, end, split="train"):
        return write(name, *(table(f"t{number}", proof(f"t{number}"), split=split) for number in range(first, end)))

    return record


@pytest.fixture
def train(searches, letters, tmp_path, monkeypatch):
    default = searches("default", 0, 12)
    monkeypatch.setattr("proofsearch_ebm.training.trainer.write_plots", lambda folder, pictures: [])
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)

    def run(out, *paths, said=None, report=None, resume=False, seed=0, encoder="letters-1", size=3, **options):
        def told(one):
            if said is not None:
                said.extend(one.messages)
            if report is not None:
                report(one)

        trainer = EbmTrainer(EbmTrainerConfig(**(OPTIONS | options)), Builder(letters(encoder), size))
        return trainer.train(TrainingRequest(list(paths) or [default], tmp_path / out, seed, resume, told))

    return run


@pytest.fixture
def earlier(train):
    return train("earlier")


def tensors(folder):
    return {name: array.tobytes() for name, array in load_state(folder).tensors["head"].items()}


def values(folder):
    rows = np.random.default_rng(0).random((9, 8)).astype(np.float32) + 0.1
    return load_checkpoint(folder).head(rows).energy


def forget(folder, copy, *, theorems=True):
    """A copy of a checkpoint as earlier versions wrote it: without the names of its theorems."""
    shutil.copytree(folder, copy)
    content = json.loads((copy / MANIFEST).read_text())
    content.pop("format")
    manifest = Manifest(**content)
    write_manifest(copy, manifest, [name for name in manifest.files if name != THEOREMS])
    return copy


def test_the_head_begins_as_the_function_that_it_was(train, earlier, searches):
    """Its standardisation too: other searches have other columns, which would make another function of it."""
    others = searches("others", 6, 30)
    out = train("out", others, start=earlier, learning_rate=NOTHING, weight_decay=0, steps=4, validate_every=4)
    np.testing.assert_allclose(values(out), values(earlier), rtol=1e-5)
    cold = train("cold", others, learning_rate=NOTHING, steps=4, validate_every=4)
    assert not np.allclose(values(cold), values(earlier), rtol=1e-2)


def test_it_is_judged_before_the_first_step_and_kept_if_none_is_better(train, earlier):
    out = train("out", start=earlier, learning_rate=1e3, clip=1e6)
    history = History.read(out / "training.parquet")
    assert [row.step for row in history.rows if row.split == "validation"] == [0, 4, 8, 12]
    ranks = dict(history.series("rank_accuracy", "validation"))
    assert ranks[0] >= max(ranks.values()), "a learning rate of a thousand teaches nothing"
    manifest = read_manifest(out)
    assert (manifest.metrics["best_step"], manifest.metrics["steps"]) == (0, 12)
    np.testing.assert_allclose(values(out), values(earlier), rtol=1e-5)


def test_what_is_learnt_further_replaces_it(train, earlier):
    out = train("out", start=earlier, steps=24)
    history = History.read(out / "training.parquet")
    best = read_manifest(out).metrics["best_step"]
    ranks = dict(history.series("rank_accuracy", "validation"))
    assert ranks[best] == max(ranks.values())
    assert tensors(out) != tensors(earlier)


def test_the_manifest_says_what_it_began_with(train, earlier, tmp_path):
    out = train("out", start=earlier)
    manifest = read_manifest(out)
    assert manifest.config["training"]["start"] == str(earlier)
    assert manifest.fingerprints["start"]
    other = train("other", start=train("next", seed=1))
    assert read_manifest(other).fingerprints["start"] != manifest.fingerprints["start"]
    assert "start" not in read_manifest(earlier).fingerprints


def test_resumed_is_uninterrupted_bit_for_bit(train, earlier, tmp_path):
    whole = train("whole", start=earlier)

    def stop(report):
        if report.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("parts", start=earlier, report=stop)
    parts = train("parts", start=earlier, resume=True)
    assert tensors(parts) == tensors(whole)
    assert read_manifest(parts).metrics == read_manifest(whole).metrics
    assert History.read(parts / "training.parquet").rows[0].step == 0


def test_a_training_is_not_resumed_with_another_start(train, earlier, tmp_path):
    def stop(report):
        if report.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("parts", start=earlier, report=stop)
    with pytest.raises(UsageError, match=r"--ebm-start: .*was trained with"):
        train("parts", resume=True)
    other = train("other", seed=1)
    shutil.rmtree(earlier)
    shutil.copytree(other, earlier)
    with pytest.raises(
        InputError, match=r"--ebm-start .*holds another head than the one that the training .* began with"
    ):
        train("parts", start=earlier, resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": (8, 5)}, r"--ebm-hidden: the head to begin with, .*earlier, was trained with 8, 4, found 8, 5"),
        ({"inputs": "l2"}, r"--ebm-inputs: .*trained with zscore, found l2"),
        ({"layer_norm": True}, r"--ebm-layer-norm: .*trained with False, found True"),
        ({"buckets": True}, r"--ebm-buckets: "),
        ({"remaining_output": False, "loss": ("listwise",)}, r"--ebm-remaining-output: .* True, found False"),
        ({"parts": "goals"}, r"--ebm-parts: .*trained with state, found goals"),
        ({"context": "none"}, r"--ebm-context: .*trained with theorem, found none"),
        ({"encoder": "letters-2", "size": 4}, r"--context-size: .*trained with 3, found 4"),
        ({"encoder": "letters-2"}, r"--ebm-encoder: .*an encoder of fingerprint letters-1, found one of letters-2"),
        ({"append": ("policy",)}, r"--ebm-encoder, --ebm-append: .*trained with context, found context and policy"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)  # fmt: skip
def test_what_differs_is_named(train, earlier, options, message):
    with pytest.raises(UsageError, match=message):
        train("out", start=earlier, **options)


def test_dropout_and_optimiser_are_the_trainings_own(train, earlier):
    train("out", start=earlier, dropout=0.3, weight_decay=0.5, batch=6)


@pytest.mark.parametrize("damage", ["missing", "head"])
def test_a_start_that_can_not_be_read_is_named_with_its_option(train, earlier, damage, tmp_path):
    start = tmp_path / "nowhere"
    if damage == "head":
        start = earlier
        (file,) = start.glob("head-*.safetensors")
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match="--ebm-start: "):
        train("out", start=start)


def test_theorems_that_the_start_has_learnt_do_not_validate(train, earlier, searches, tmp_path):
    """Their ranks would flatter the value, and with them its weight in searches."""
    learnt = load_checkpoint(earlier).learnt
    assert len(learnt) == 8  # 12 less 30 %, rounded up
    more = searches("more", 0, 60)
    out = train("out", more, start=earlier, seed=3)
    assert load_checkpoint(out).learnt >= learnt
    assert len(load_checkpoint(out).learnt) == 42
    cold = train("cold", more, seed=3)
    assert not load_checkpoint(cold).learnt >= learnt, "another seed draws others, unless it may not"


def test_recorded_validation_theorems_that_it_has_learnt_are_refused(train, earlier, searches):
    (name, *_) = sorted(load_checkpoint(earlier).learnt)
    number = int(name[1:])
    held = searches("held", number, number + 1, split="validation")
    others = searches("rest", 20, 40)
    with pytest.raises(UsageError, match=rf"--ebm-start: .* has learnt 1 of the theorems .*\({name}\)"):
        train("out", held, others, start=earlier, validation_share=0.04)


def test_nothing_left_to_validate_is_said(train, earlier, searches):
    numbers = sorted(int(name[1:]) for name in load_checkpoint(earlier).learnt)
    paths = [searches(f"one{number}", number, number + 1) for number in numbers]
    with pytest.raises(InputError, match=r"what the head to begin with has learnt, --ebm-start, can't validate"):
        train("out", *paths, start=earlier)


def test_a_checkpoint_that_does_not_say_what_it_has_learnt_is_taken_with_a_word(train, earlier, tmp_path):
    said = []
    out = train("out", start=forget(earlier, tmp_path / "old"), said=said)
    assert any("doesn't say which theorems it has learnt" in line for line in said)
    assert load_checkpoint(out).learnt is None, "nobody knows them all"
