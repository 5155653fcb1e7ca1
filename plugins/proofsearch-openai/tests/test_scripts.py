"""Whole proofs of a served model: asked for by a template of their own, cut into tactics, counted."""

from __future__ import annotations

import math
from typing import Any

import pytest
from proofsearch_openai.completions import NEUTRAL
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.generator import OpenAIGenerator

from proofsearch.errors import UsageError
from proofsearch.protocols import ProposesScripts, Script
from proofsearch.types import Candidate


def proof(text: str, pieces: list[str], logprobs: list[float] | None, reason: str = "stop") -> dict[str, Any]:
    found: dict[str, Any] = {"index": 0, "text": text, "finish_reason": reason}
    if logprobs is not None:
        found["logprobs"] = {"tokens": pieces, "token_logprobs": logprobs}
    return found


TWO = proof("a1i\nsyl", ["a1", "i", "\n", "syl", ""], [-1.0, -2.0, -4.0, -8.0, -16.0])


def test_a_request_has_the_template_and_the_length_of_whole_proofs(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(TWO)
    made = generator(samples=7, script_tokens=99)
    assert isinstance(made, ProposesScripts)
    (found,) = made.propose_scripts([request_for("|- ps")], 3)
    assert server.asked[0].body | {"seed": 0} == {
        "model": "m",
        "prompt": "[STATE]\n|- ps\n[PROOF]\n",
        "n": 3,
        "seed": 0,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_tokens": 99,
        "logprobs": 1,
        "stop": ["[STATE]"],
        **NEUTRAL,
    }
    assert list(found) == [Script((Candidate("a1i", -7.0, 3), Candidate("syl", -24.0, 2)))]


def test_the_tokens_are_those_that_the_server_counts(server: Any, generator: Any, reply: Any, request_for: Any) -> None:
    server.script = lambda asked: reply(
        {"choices": [TWO], "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}}
    )
    (found,) = generator().propose_scripts([request_for()], 1)
    assert (found.tokens_in, found.tokens_out) == (11, 5)


def test_equal_proofs_are_one_and_the_likeliest_comes_first(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    likelier = proof("syl", ["syl", ""], [-0.25, -0.25])
    server.script = lambda asked: answer(TWO, likelier, proof("syl\n", ["syl", "\n", ""], [-3.0, -1.0, -1.0]))
    (found,) = generator().propose_scripts([request_for()], 3)
    assert [[step.tactic for step in script.steps] for script in found] == [["syl"], ["a1i", "syl"]]
    assert found[0].steps[0].logprob == -0.5


def test_what_can_not_be_used_is_left_out_and_said(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    said: list[str] = []
    cut = proof("a1i\nsy", ["a1i", "\n", "sy"], [-1.0, -1.0, -1.0], "length")
    server.script = lambda asked: answer(cut, proof("\n", ["\n"], [-1.0]))
    made = generator(said, script_tokens=3)
    assert made.propose_scripts([request_for()], 2) == [[]]
    made.close()
    assert any("a state got no script" in one and "--openai-script-tokens" in one for one in said)
    assert any("1 of 2 answers were empty" in one for one in said)


def test_without_log_probabilities_it_is_an_error_unless_shares_are_asked_for(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    bare = proof("a1i\nsyl", [], None)
    server.script = lambda asked: answer(bare, bare, proof("id", [], None))
    with pytest.raises(UsageError, match="gives no log-probabilities"):
        generator().propose_scripts([request_for()], 3)
    (found,) = generator(missing_logprobs="frequency").propose_scripts([request_for()], 3)
    assert found == [
        Script((Candidate("a1i", math.log(2 / 3)), Candidate("syl", 0.0))),
        Script((Candidate("id", math.log(1 / 3)),)),
    ]


def test_a_prompt_that_is_refused_costs_only_its_state(
    server: Any, generator: Any, reply: Any, answer: Any, request_for: Any
) -> None:
    def script(asked: Any) -> Any:
        too_long = "long" in asked.body["prompt"]
        return reply({"error": {"message": "too long"}}, 400) if too_long else answer(TWO)

    server.script = script
    said: list[str] = []
    found = generator(said).propose_scripts([request_for("long"), request_for("short")], 1)
    assert [len(scripts) for scripts in found] == [0, 1]
    assert any("gets no scripts" in one for one in said)


def test_the_environment_cuts_a_proof(server: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer(proof("a. b.", ["a", ".", " b", "."], [-1.0, -2.0, -4.0, -8.0]))
    config = GeneratorConfig(base_url=server.url, model="m", retries=0)
    made = OpenAIGenerator(config, split=lambda script: [f"{part.strip()}." for part in script.split(".") if part])
    (found,) = made.propose_scripts([request_for()], 1)
    made.close()
    assert list(found) == [Script((Candidate("a.", -3.0, 2), Candidate("b.", -12.0, 2)))]
