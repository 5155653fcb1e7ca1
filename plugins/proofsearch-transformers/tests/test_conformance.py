"""The generator, the encoder and the trainer against their contracts, with models of random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from proofsearch_transformers.finetuning.config import LmTrainerConfig
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig
from proofsearch_transformers.plugin import make_encoder, make_generator, make_lm_trainer

from proofsearch.testing import (
    CountdownConfig,
    CountdownEnvironment,
    Sample,
    SampleBuilder,
    Samples,
    check_encoder,
    check_generator,
    check_trainer,
)

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def samples() -> Sequence[Sample]:
    """A few states: each is asked about many times."""
    return Samples(CountdownEnvironment(CountdownConfig()), 12).states


@pytest.mark.parametrize(
    ("kind", "how"),
    [("llama", {"beams": 4}), ("t5", {"samples": 6}), ("gpt2", {"samples": 6, "statistics": "samples"})],
)
def test_the_generator_conforms(
    kind: str, how: Mapping[str, Any], tiny: dict[str, Path], samples: Sequence[Sample]
) -> None:
    config = GeneratorConfig(model=str(tiny[kind]), device="cpu", max_new_tokens=8, **how)
    report = check_generator(make_generator, config, samples=samples, candidates=4, shared=True)
    assert report.names("skipped") == ["prepares twice", "summaries fit statistics"]


@pytest.mark.parametrize("kind", ["bert", "llama"])
@pytest.mark.parametrize("kept", [0, 64])
def test_the_encoder_conforms(kind: str, kept: int, tiny: dict[str, Path]) -> None:
    config = EncoderConfig(model=str(tiny[kind]), device="cpu", cache_megabytes=kept)
    assert check_encoder(make_encoder, config, shared=True).names("skipped") == []


def test_the_trainer_conforms() -> None:
    model = {"vocabulary": 300, "layers": 1, "width": 32, "heads": 2, "device": "cpu", "threads": 1}
    config = LmTrainerConfig.model_validate({**model, "batch": 4, "steps": 8, "validate_every": 4})
    with SampleBuilder(CountdownEnvironment(CountdownConfig(size=20))) as builder:
        report = check_trainer(make_lm_trainer, config, builder=builder)
    assert report.names("skipped") == ["the checkpoint can be used", "refuses what teaches nothing"]
