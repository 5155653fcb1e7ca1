"""The options: what they refuse, what they share, and that reading them loads no learning library."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import as_file, files

import pytest
from proofsearch_ebm.config import MAY_CHANGE, RUNTIME_ONLY, EbmConfig, EbmTrainerConfig
from pydantic import ValidationError

from proofsearch.checkpoint import read_manifest


def test_registering_everything_loads_no_torch():
    # `proofsearch --help` calls every hook; importing torch there would cost seconds.
    code = """
import sys
from importlib.resources import as_file, files
from proofsearch_ebm import plugin
names = []
def register(name, factory, config=None, help=""):
    names.append(name)
    config()
for hook in (plugin.register_scorers, plugin.register_losses, plugin.register_trainers):
    hook(register)
losses = ["depth_regression", "info_nce", "listwise", "margin_ranking", "ordinal_regression", "pairwise"]
assert sorted(names) == sorted(["ebm", "ebm", *losses]), names
heavy = {"torch", "matplotlib", "safetensors", "tensorboard"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_searching_process_loads_no_torch():
    # A search's workers are many; each would pay for it in memory and in starting time.
    code = "import proofsearch_ebm.scoring.scorer, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("config", [EbmConfig, EbmTrainerConfig])
def test_unknown_options_are_refused(config):
    with pytest.raises(ValidationError, match="extra_forbidden"):
        config(speed=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"dropout": 1.0},
        {"learning_rate": 0},
        {"validation_share": 1.0},
        {"policy_weight": -1},
        {"groups": "pairs"},
        {"parts": "tokens"},
        {"max_minutes": 0},
        {"memory_megabytes": -1},
        {"device": "gpu"},
        {"device": "spread"},
    ],
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        EbmTrainerConfig(**wrong)


def test_what_may_change_names_options_that_exist():
    # A misspelt name would let a resumed training silently mix two configurations, or refuse a harmless change.
    assert set(EbmTrainerConfig.model_fields) > MAY_CHANGE > RUNTIME_ONLY


def test_options_of_both_components_do_not_contradict_each_other():
    # Both are registered as `ebm`, so a shared name is one command-line flag.
    assert set(EbmConfig.model_fields) & set(EbmTrainerConfig.model_fields) == {"encoder"}


@pytest.mark.parametrize(
    ("parts", "given", "expected"), [("goals", None, True), ("state", None, False), ("goals", False, False)]
)
def test_goals_cost_a_constant_unless_told_otherwise(parts, given, expected):
    assert EbmTrainerConfig(parts=parts, output_bias=given).bias_per_part is expected


def test_tensorboard_that_is_not_there_is_refused_when_options_are_read(monkeypatch):
    # Noticed only when the training begins, hours of recording would come before it.
    EbmTrainerConfig(tensorboard=True)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    EbmTrainerConfig(tensorboard=False)
    with pytest.raises(ValidationError, match=r"pip install 'proofsearch-ebm\[tensorboard\]', or leave the option out"):
        EbmTrainerConfig(tensorboard=True)


def test_the_shipped_checkpoint_was_trained_by_the_defaults() -> None:
    """Who changes what is trained on what, trains the shipped checkpoint again: docs/ebm.md has the commands."""
    with as_file(files("proofsearch_ebm") / "checkpoints" / "prefix") as folder:
        trained = read_manifest(folder).config["training"]
    defaults = EbmTrainerConfig().model_dump(mode="json")
    kept = trained.keys() & defaults.keys() - MAY_CHANGE
    assert {"loss", "groups", "spectral_norm", "dead_ends", "learning_rate", "hidden"} <= kept
    assert {name: trained[name] for name in kept} == {name: defaults[name] for name in kept}


def test_buckets_need_states_that_are_encoded_whole() -> None:
    assert EbmTrainerConfig(buckets=True).buckets
    with pytest.raises(ValidationError, match="--ebm-parts state"):
        EbmTrainerConfig(buckets=True, parts="goals")
