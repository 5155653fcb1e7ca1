"""The scorer and the trainer against their contracts; the losses have a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from proofsearch_ebm.config import EbmConfig, EbmTrainerConfig
from proofsearch_ebm.plugin import make_scorer, make_trainer
from proofsearch_ebm.scoring.shipped import shipped_checkpoints

from proofsearch.checkpoint import Manifest
from proofsearch.plugins.discovery import Plugins
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder, check_scorer, check_trainer

torch.set_num_threads(1)


@pytest.fixture
def builder() -> Iterator[SampleBuilder]:
    """With the encoder of the shipped checkpoint, and this package's losses."""
    plugins = Plugins.discover()
    context = plugins.registry("encoder")["context"]
    assert context.config is not None
    losses = plugins.registry("loss")
    made = {entry.name: entry.factory(entry.config() if entry.config else None, None) for entry in losses}
    encoders = {"context": context.factory(context.config(), None)}
    environment = CountdownEnvironment(CountdownConfig(size=25))
    with SampleBuilder(environment, encoders=encoders, losses=made) as found:
        yield found


@pytest.mark.parametrize("value", ["energy", "cost"])
def test_the_scorer_conforms_with_the_shipped_checkpoint_over_states(builder: SampleBuilder, value: str) -> None:
    (general,) = [folder for folder in shipped_checkpoints() if folder.name == "prefix"]
    config = EbmConfig.model_validate({"value": value, "path": general})
    report = check_scorer(make_scorer, config, builder=builder)
    assert report.names("skipped") == ["any thread", "polarity"]


def test_the_trainer_conforms_and_its_checkpoint_too(builder: SampleBuilder) -> None:
    def use(folder: Path, manifest: Manifest) -> None:
        assert (manifest.kind, manifest.name) == ("scorer", "ebm")
        assert check_scorer(make_scorer, EbmConfig(path=folder), builder=builder).conforms

    config = EbmTrainerConfig(steps=12, batch=8, hidden=(16,), validate_every=4, checkpoint_every=4, bootstrap=100)
    assert check_trainer(make_trainer, config, builder=builder, use=use).names("skipped") == []
