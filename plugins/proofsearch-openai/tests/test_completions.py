"""How servers are asked: what they draw with by default is switched off, and what they refuse is left out and said."""

from __future__ import annotations

from typing import Any

import pytest
from proofsearch_openai.completions import NEUTRAL
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.errors import RefusedError
from pydantic import ValidationError

from proofsearch.config.explain import explain

EXTENSIONS = ("top_k", "min_p", "repetition_penalty")


def strict(reply: Any, answer: Any, unknown: tuple[str, ...], words: Any) -> Any:
    """A script that refuses a request with fields that it doesn't know, in some words."""

    def script(asked: Any) -> Any:
        found = [name for name in unknown if name in asked.body]
        return reply(words(found), 400) if found else answer("a", "b")

    return script


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_every_parameter_of_drawing_is_sent(
    server: Any, generator: Any, reply: Any, answer: Any, request_for: Any, endpoint: str
) -> None:
    """Would catch a server's own top-k or repetition penalty, which log-probabilities know nothing of."""
    server.script = lambda asked: answer("a")
    generator(endpoint=endpoint, samples=1).generate([request_for()], 1)
    (asked,) = server.asked
    assert {name: asked.body[name] for name in NEUTRAL} == NEUTRAL
    assert (asked.body["temperature"], asked.body["top_p"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    "words",
    [
        lambda found: {"error": {"message": f"Unrecognized request arguments supplied: {', '.join(found)}"}},
        lambda found: {"error": {"message": f"Unknown parameter: '{found[0]}'.", "param": found[0]}},
        lambda found: {"error": {"message": "Unknown parameter.", "param": found[0]}},
        lambda found: {"detail": [{"type": "extra_forbidden", "loc": ["body", name]} for name in found]},
        lambda found: {"detail": "Extra inputs are not permitted"},
    ],
)
def test_what_a_server_does_not_know_is_left_out_and_said(
    server: Any, generator: Any, reply: Any, answer: Any, request_for: Any, words: Any
) -> None:
    server.script = strict(reply, answer, EXTENSIONS, words)
    said: list[str] = []
    subject = generator(said, samples=2)
    subject.prepare()
    assert len(said) == 1
    assert all(name in said[0] for name in EXTENSIONS)
    server.asked.clear()
    assert len(subject.generate([request_for(), request_for()], 2)[0]) == 2
    assert len(server.asked) == 2  # it is known by now
    assert not any(name in asked.body for asked in server.asked for name in EXTENSIONS)
    assert len(said) == 1


def test_only_what_is_named_is_left_out(server: Any, generator: Any, reply: Any, answer: Any, request_for: Any) -> None:
    server.script = strict(reply, answer, ("top_k",), lambda found: {"message": "top_k must be at least 1"})
    subject = generator(samples=2)
    subject.generate([request_for()], 2)
    assert NEUTRAL.keys() - server.asked[-1].body.keys() == {"top_k"}


def test_a_refusal_for_another_reason_leaves_everything_as_it_was(
    server: Any, generator: Any, reply: Any, answer: Any, request_for: Any
) -> None:
    """Some servers repeat the whole request in what they say, so that all its fields are named."""

    def script(asked: Any) -> Any:
        long = len(asked.body["prompt"]) > 120
        return reply({"detail": [{"msg": "too long", "input": asked.body}]}, 422) if long else answer("a", "b")

    server.script = script
    said: list[str] = []
    subject = generator(said, samples=2)
    found = subject.generate([request_for("x" * 200), request_for()], 2)
    assert [len(one) for one in found] == [0, 2]
    assert not any("default" in one for one in said)
    subject.generate([request_for()], 2)
    assert NEUTRAL.keys() <= server.asked[-1].body.keys()


def test_a_refusal_that_stays_is_an_error(server: Any, generator: Any, reply: Any) -> None:
    server.script = lambda asked: reply({"error": {"message": "top_k, and everything else"}}, 400)
    with pytest.raises(RefusedError, match="everything else"):
        generator().prepare()
    assert len(server.asked) <= 1 + len(NEUTRAL)


# ------------------------------------------------------------------------------------------------ --openai-extra


def test_extra_fields_are_sent_and_null_leaves_one_out(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer("a")
    extra = '{"top_k": 50, "min_p": null, "seed": null, "chat_template_kwargs": {"enable_thinking": false}}'
    generator(samples=1, extra=extra).generate([request_for()], 1)
    body = server.asked[0].body
    assert body["top_k"] == 50
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert not {"min_p", "seed"} & body.keys()
    assert body["repetition_penalty"] == 1


def test_what_was_asked_for_is_never_left_out(server: Any, generator: Any, reply: Any, answer: Any) -> None:
    server.script = strict(reply, answer, ("top_k",), lambda found: {"message": "no top_k here"})
    with pytest.raises(RefusedError, match="no top_k here"):
        generator(extra='{"top_k": 50}').prepare()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("top_k=50", "expected a JSON object"),
        ("[1]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        ('{"temperature": 2}', "temperature is sent by itself"),
        ('{"model": null}', "model is sent by itself"),
        ('{"seed": 7}', "seed is sent by itself"),
        ('{"stream": true}', "stream is sent by itself"),
    ],
)
def test_what_has_an_option_is_no_extra_field(extra: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GeneratorConfig(extra=extra)
    assert said in explain(caught.value, GeneratorConfig)
