"""The generator and the encoder against their contracts, with a server that draws by seed as a real one does."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from proofsearch_openai.config import EncoderConfig, GeneratorConfig
from proofsearch_openai.plugin import make_encoder, make_generator

from proofsearch.testing import CountdownConfig, CountdownEnvironment, Sample, Samples, check_encoder, check_generator

TACTICS = ("dec", "half", "split", "use zero-1")


def some() -> Sequence[Sample]:
    """A few states: each is asked about many times."""
    return Samples(CountdownEnvironment(CountdownConfig()), 8).states


@pytest.mark.parametrize("statistics", ["prompt", "samples"])
def test_the_generator_conforms(server: Any, answer: Any, written: Any, statistics: Any) -> None:
    def script(asked: Any) -> Any:
        draw = random.Random(f"{asked.body['prompt']} {asked.body.get('seed')}")
        drawn = [draw.choice(TACTICS) for _ in range(asked.body.get("n", 1))]
        # A token a word, equally likely first ones and certain others.
        rows = [[math.log(1 / len(TACTICS)), *[0.0] * text.count(" ")] for text in drawn]
        choices = [written(text, row, index=at) for at, (text, row) in enumerate(zip(drawn, rows, strict=True))]
        for one in choices:
            one["logprobs"]["top_logprobs"] = [{text: math.log(1 / len(TACTICS)) for text in TACTICS}]
        return answer(*choices)

    server.script = script
    # As many connections at once as the scripted server keeps waiting.
    config = GeneratorConfig(base_url=server.url, model="m", retries=0, concurrency=4, statistics=statistics)
    report = check_generator(make_generator, config, samples=some(), shared=True)
    assert report.names("skipped") == ["summaries fit statistics", "vectors fit"]


def test_the_encoder_conforms(server: Any, encoder: Any) -> None:
    for kept in (0, 64):
        config = EncoderConfig(base_url=server.url, model="m", retries=0, concurrency=4, cache_megabytes=kept)
        assert check_encoder(make_encoder, config, samples=some(), shared=True).names("skipped") == []
