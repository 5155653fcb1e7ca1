"""Messages are read strictly: what can't be meant is named, with what was found."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_rl.serving.messages import Code, Request, RequestError, read

GOOD: list[tuple[dict[str, Any], Request]] = [
    ({"type": "reset", "data": {"theorem": "a"}}, Request("reset", None, {"theorem": "a"})),
    ({"type": "reset"}, Request("reset")),
    ({"type": "reset", "data": {"seed": 3, "split": "test"}}, Request("reset", None, {"seed": 3, "split": "test"})),
    (
        {"type": "reset", "data": {"seed": None, "episode_id": "x"}},
        Request("reset", None, {"seed": None, "episode_id": "x"}),
    ),
    ({"type": "step", "session": 4, "data": {"tactic": ""}}, Request("step", 4, {"tactic": ""})),
    ({"type": "step", "data": {"tactic": "t", "metadata": {}}}, Request("step", None, {"tactic": "t", "metadata": {}})),
    ({"type": "state"}, Request("state")),
    ({"type": "close"}, Request("close")),
]


@pytest.mark.parametrize(("message", "request_"), GOOD)
def test_what_is_meant(message: dict[str, Any], request_: Request) -> None:
    assert read(json.dumps(message)) == request_


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (b"{}", Code.INVALID_JSON, "sent as bytes"),
        ("{", Code.INVALID_JSON, "a message is a JSON object:"),
        ("[" * 100_000, Code.INVALID_JSON, "a message is a JSON object:"),
        ("[]", Code.INVALID_JSON, "found a list"),
        ("{}", Code.UNKNOWN_TYPE, "type None: expected reset, step"),
        ('{"type": ["step"]}', Code.UNKNOWN_TYPE, "expected reset, step"),
        ('{"type": "stop"}', Code.UNKNOWN_TYPE, "type 'stop'"),
        ('{"type": "state", "extra": 1}', Code.VALIDATION_ERROR, "state has no 'extra'"),
        ('{"type": "state", "session": true}', Code.VALIDATION_ERROR, "expected a number from 0, found a truth value"),
        ('{"type": "state", "session": -1}', Code.VALIDATION_ERROR, "expected a number from 0"),
        ('{"type": "step", "data": []}', Code.VALIDATION_ERROR, "data of step: expected a JSON object, found a list"),
        ('{"type": "step"}', Code.VALIDATION_ERROR, "step needs a tactic"),
        (
            '{"type": "step", "data": {"tactic": 3}}',
            Code.VALIDATION_ERROR,
            "tactic of step: expected text, found a whole",
        ),
        (
            '{"type": "step", "data": {"tactic": "a", "reward": 1}}',
            Code.VALIDATION_ERROR,
            "data of step has no 'reward'",
        ),
        ('{"type": "reset", "data": {"seed": 1.5}}', Code.VALIDATION_ERROR, "expected a whole number, found a number"),
        ('{"type": "reset", "data": {"split": "all of it"}}', Code.VALIDATION_ERROR, "split: expected train"),
        ('{"type": "many", "data": {}}', Code.VALIDATION_ERROR, "data of many: expected a list"),
    ],
)
def test_what_cant_be_meant(text: str | bytes, code: Code, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(text)
    assert raised.value.code == code
    assert said in str(raised.value)
    assert len(str(raised.value)) < 400  # whatever was sent


def test_one_wrong_request_among_many_is_wrong_alone() -> None:
    parts = [{"type": "state"}, {"type": "close"}, 7, {"type": "many", "data": []}, {"type": "close", "session": 2}]
    first, *wrong, last = read(json.dumps({"type": "many", "data": parts}))  # type: ignore[misc]
    assert (first, last) == (Request("state"), Request("close", 2))
    assert [str(one).split(":")[0] for one in wrong] == [
        "close among many",
        "many holds JSON objects, found a whole number",
        "type 'many'",
    ]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.sampled_from(["type", "data", "session", "tactic"]), one),
    )
)
def test_nothing_else_is_raised(message: object) -> None:
    with contextlib.suppress(RequestError):
        read(json.dumps(message))
