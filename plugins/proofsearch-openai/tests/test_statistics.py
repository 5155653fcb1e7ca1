"""How sure a served model is at a state: from the tokens that could come first, or from the samples of an expansion."""

from __future__ import annotations

import math
from typing import Any

import pytest
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.generator import ALTERNATIVES, FEWER_ALTERNATIVES
from proofsearch_openai.sureness import of_first_tokens
from pydantic import ValidationError

from proofsearch.models.confidence import statistics_of
from proofsearch.protocols import Fingerprinted, ReportsStatistics

VALUES = [-0.5, -1.5, -3.0]


def table() -> dict[str, Any]:
    """As completions of vLLM and OpenAI give it."""
    return {
        "tokens": ["b"],
        "token_logprobs": [-1.5],
        "top_logprobs": [{"b": VALUES[1], "a": VALUES[0], "c": VALUES[2]}],
    }


def listed() -> dict[str, Any]:
    """As chats give it, and llama.cpp's completions."""
    top = [{"token": token, "logprob": value} for token, value in zip("abc", VALUES, strict=True)]
    return {"content": [{"token": "b", "logprob": -1.5, "top_logprobs": top}]}


def first(logprobs: Any, endpoint: str = "completions") -> dict[str, Any]:
    said = {"text": "b"} if endpoint == "completions" else {"message": {"role": "assistant", "content": "b"}}
    return {"index": 0, "finish_reason": "length", "logprobs": logprobs, **said}


@pytest.mark.parametrize("form", [table, listed])
@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_one_token_a_state_says_how_sure_the_model_is(
    server: Any, generator: Any, answer: Any, request_for: Any, endpoint: str, form: Any
) -> None:
    server.script = lambda asked: answer(first(form(), endpoint))
    made = generator(endpoint=endpoint)
    assert isinstance(made, ReportsStatistics)
    found = made.statistics([request_for("|- ph"), request_for("|- ps")], 32)
    rest = 1 - sum(map(math.exp, VALUES))
    for one in found:
        assert (one.best, one.second) == (-0.5, -1.5)
        assert one.entropy == pytest.approx(-sum(v * math.exp(v) for v in VALUES) - rest * math.log(rest))
        # Of eight the server says three; and it has no logits.
        assert all(math.isnan(one_of) for one_of in (one.mass, one.log_sum_exp, one.moves, one.admitted, one.closes))
    assert len(server.asked) == 2
    for asked in server.asked:
        assert (asked.body["n"], asked.body["max_tokens"]) == (1, 1)
        assert asked.body["top_logprobs" if endpoint == "chat" else "logprobs"] == ALTERNATIVES


def test_the_mass_of_eight_needs_eight_or_no_rest() -> None:
    eight = of_first_tokens([math.log(0.1)] * 9)
    assert eight is not None
    assert eight.mass == pytest.approx(0.8)
    all_of_it = of_first_tokens([math.log(0.75), math.log(0.25)])
    assert all_of_it is not None
    assert all_of_it.mass == pytest.approx(1.0)
    assert all_of_it.entropy == pytest.approx(0.5623, abs=1e-3)
    certain = of_first_tokens([0.0])
    assert certain is not None
    assert (certain.entropy, certain.mass) == (0.0, 1.0)
    assert math.isnan(certain.second)
    assert of_first_tokens([]) is None


def test_a_server_that_refuses_so_many_is_asked_for_fewer(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any
) -> None:
    def script(asked: Any) -> Any:
        if asked.body["logprobs"] > 5:
            return reply({"error": {"message": "Invalid value for 'logprobs': must be at most 5"}}, 400)
        return answer(first(table()))

    server.script = script
    made = generator()
    for _ in range(2):
        assert [one.best for one in made.statistics([request_for()], 4)] == [-0.5]
    assert server.asked[-1].body["logprobs"] == FEWER_ALTERNATIVES
    assert sum(asked.body["logprobs"] == ALTERNATIVES for asked in server.asked[-2:]) == 0


def test_a_prompt_that_is_refused_costs_only_its_state(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any
) -> None:
    def script(asked: Any) -> Any:
        long = len(asked.body["prompt"]) > 100
        return reply({"error": {"message": "too long"}}, 400) if long else answer(first(table()))

    server.script = script
    one, other = generator().statistics([request_for("|- ph" * 50), request_for("|- ps")], 4)
    assert one is None
    assert other.best == -0.5


def test_a_server_without_alternatives_is_told_once(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer(first(None))
    said: list[str] = []
    made = generator(said)
    for _ in range(2):
        assert made.statistics([request_for()], 4) == [None]
    assert len(said) == 1
    assert "choose --openai-statistics samples" in said[0]


@pytest.mark.parametrize("options", [{"statistics": "samples"}, {"missing_logprobs": "frequency"}])
def test_samples_for_the_statistics_are_those_of_the_expansion(
    server: Any, generator: Any, answer: Any, request_for: Any, options: dict[str, Any]
) -> None:
    server.script = lambda asked: answer(*("a", "b", "a")[: asked.body["n"]])
    made = generator(**options)
    (found,) = made.statistics([request_for()], 3)
    asked = len(server.asked)
    (candidates,) = made.generate([request_for()], 3)
    assert len(server.asked) == asked == 1, "what was drawn is kept"
    assert found == statistics_of(candidates)
    assert found.moves == 2
    made.generate([request_for()], 2)
    made.generate([request_for("|- ps")], 3)
    assert len(server.asked) == 3, "another number of candidates, and another state, are other questions"


def test_options_that_clash_are_refused() -> None:
    with pytest.raises(ValidationError, match="statistics: prompt needs log-probabilities"):
        GeneratorConfig(statistics="prompt", missing_logprobs="frequency")


def test_the_fingerprint_says_what_decides_the_numbers(server: Any, generator: Any) -> None:
    made = generator()
    assert isinstance(made, Fingerprinted)
    plain = made.fingerprint()
    assert plain == generator(model=None, concurrency=3).fingerprint(), "the server's only model is m"
    different: list[dict[str, Any]] = [
        {"model": "other"},
        {"template": "bare"},
        {"endpoint": "chat"},
        {"temperature": 0.5},
        {"samples": 3},
        {"statistics": "samples"},
        {"extra": '{"top_k": 5}'},
    ]
    assert len({plain, *(generator(**options).fingerprint() for options in different)}) == len(different) + 1
