"""The generator against a server that misbehaves in the ways that servers do."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import Any

import pytest
from proofsearch_openai.completions import NEUTRAL
from proofsearch_openai.errors import ServerError

from proofsearch.errors import UsageError
from proofsearch.models.prompts import load_template
from proofsearch.types import Candidate


def test_a_request_says_what_the_options_say(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer("a", "b", "c")
    generator(samples=3, temperature=0.7, top_p=0.9, max_tokens=17).generate([request_for("|- ( ph -> ph )")], 8)
    (asked,) = server.asked
    assert asked.path == "/v1/completions"
    seed = asked.body.pop("seed")
    assert asked.body == {
        "model": "m",
        "prompt": "[STATE]\n|- ( ph -> ph )\n[TACTIC]\n",
        "n": 3,
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 17,
        "logprobs": 1,
        "stop": ["\n"],
        **NEUTRAL,
    }
    assert 0 <= seed < 2**31  # what every server takes


def test_the_tokens_are_those_that_the_server_counts(
    server: Any, generator: Any, reply: Any, written: Any, request_for: Any
) -> None:
    def counted(asked: Any) -> Any:
        choices = [written(text) for text in "ab"[: asked.body["n"]]]
        return reply({"choices": choices, "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}})

    server.script = counted
    found = generator(samples=5).generate([request_for("one"), request_for("two")], 8)
    requests = len(server.asked)
    assert requests > 2, "the server gives two at a time"
    assert sum(one.tokens_in for one in found) == 11 * requests
    assert sum(one.tokens_out for one in found) == 3 * requests


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 3}, {"prompt_tokens": -1, "completion_tokens": 2}, "9"])
def test_what_a_server_does_not_count_is_missing(
    server: Any, generator: Any, reply: Any, written: Any, request_for: Any, usage: Any
) -> None:
    server.script = lambda asked: reply({"choices": [written("a")], "usage": usage})
    (found,) = generator(samples=1).generate([request_for()], 8)
    assert [one.tactic for one in found] == ["a"]
    assert not hasattr(found, "tokens_in")


def test_as_many_samples_as_candidates_unless_said(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer(*"abcdefgh"[: asked.body["n"]])
    assert len(generator().generate([request_for()], 5)[0]) == 5
    # More samples than candidates: the best of them, and no more than asked.
    assert len(generator(samples=8).generate([request_for()], 2)[0]) == 2


def test_a_greedy_answer_is_asked_for_once(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    """Would catch the refusal of vLLM, which gives no several samples at temperature 0."""
    server.script = lambda asked: answer("a")
    assert generator(temperature=0).generate([request_for()], 32) == [[Candidate("a", -1.0, 1)]]
    assert [asked.body["n"] for asked in server.asked] == [1]


def test_candidates_are_merged_sorted_and_whole(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(
        written("second", (-0.5, -0.5)),
        written("first", (-0.25, -0.25)),
        written(" first ", (-2.0, -2.0)),  # the same tactic in other tokens
        written("first\nof more", (-3.0,)),
        written("   ", (-0.1,)),
        written("", None),
        written("cut o", (-0.1, -0.1), reason="length"),
    )
    (found,) = generator().generate([request_for()], 7)
    assert found == [Candidate("first", -0.5, 2), Candidate("second", -1.0, 2)]


def test_an_answer_that_reached_its_end_is_whole_though_the_server_ran_on(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(written("exact h\nand more", (-1.0, -1.0), reason="length"))
    (found,) = generator(samples=1).generate([request_for()], 1)
    assert [one.tactic for one in found] == ["exact h"]


@pytest.mark.parametrize("form", ["lists", "content"])
@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_logprobs_are_summed_up_to_the_stop_string(
    server: Any, generator: Any, answer: Any, request_for: Any, endpoint: str, form: str
) -> None:
    """Would catch tokens behind the stop string that count, and llama.cpp's other form of completions."""
    tokens, values = ["exact", " h", "\n", "intro"], [-0.5, -0.25, -0.125, -9.0]
    if form == "lists":
        logprobs: dict[str, Any] = {"tokens": tokens, "token_logprobs": values}
    else:
        content = [{"token": token, "logprob": value} for token, value in zip(tokens, values, strict=True)]
        logprobs = {"content": content}
    one: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": logprobs}
    one |= (
        {"text": "exact h"} if endpoint == "completions" else {"message": {"role": "assistant", "content": "exact h"}}
    )
    server.script = lambda asked: answer(one)
    (found,) = generator(samples=1, endpoint=endpoint).generate([request_for()], 4)
    assert found == [Candidate("exact h", -0.875, 3)]


def test_without_a_stop_string_all_tokens_count(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(written("exact h", (-0.5, -0.25, -0.125)))
    (found,) = generator(samples=1, template="bfs-prover").generate([request_for("|- ph")], 4)
    assert found == [Candidate("exact h", -0.875, 3)]
    assert server.asked[0].body["prompt"] == "|- ph:::"
    assert "stop" not in server.asked[0].body


def test_chat_asks_with_a_message(server: Any, generator: Any, reply: Any, request_for: Any) -> None:
    server.script = lambda asked: reply({"choices": [{"message": {"content": None}, "finish_reason": "stop"}]})
    assert generator(samples=1, endpoint="chat").generate([request_for("|- ph")], 4) == [[]]
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    prompt = load_template("plain").text.replace("{state}", "|- ph")
    assert asked.body["messages"] == [{"role": "user", "content": prompt}]
    assert asked.body["logprobs"] is True


# ---------------------------------------------------------------------------------------- fewer choices than asked


@pytest.mark.parametrize("most", [1, 3])
def test_a_server_that_ignores_n_is_asked_again_and_remembered(
    server: Any, generator: Any, answer: Any, request_for: Any, most: int
) -> None:
    server.script = lambda asked: answer(*(f"{asked.body['seed']}-{at}" for at in range(min(most, asked.body["n"]))))
    subject = generator(samples=8)
    (first,) = subject.generate([request_for()], 8)
    assert len(first) == 8  # all different: each with a seed of its own
    asked = [one.body["n"] for one in server.asked]
    assert asked[0] == 8
    assert sum(asked[1:]) == 8 - most
    assert max(asked[1:]) <= most
    server.asked.clear()
    (again,) = subject.generate([request_for()], 8)
    assert max(one.body["n"] for one in server.asked) == most
    assert {one.tactic for one in again} == {one.tactic for one in first}  # whatever was known by then


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_server_that_refuses_n_is_asked_for_one_at_a_time(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any, status: int
) -> None:
    """As versions of llama.cpp's server do, with one status or another."""

    def script(asked: Any) -> Any:
        if asked.body["n"] > 1:
            return reply({"error": {"message": "Only one completion choice is allowed"}}, status)
        return answer(f"{asked.body['seed']}")

    server.script = script
    assert len(generator(samples=4).generate([request_for()], 4)[0]) == 4


def test_the_asking_ends_where_a_server_gives_ever_less(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(*(["a"] * max(1, asked.body["n"] // 4)))
    (found,) = generator(samples=64).generate([request_for()], 8)
    assert found == [Candidate("a", -1.0, 1)]
    assert len(server.asked) <= 1 + 64 + 64


def test_more_choices_than_asked_are_cut(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer(*"abcdefgh")
    assert len(generator(samples=3).generate([request_for()], 8)[0]) == 3


# ------------------------------------------------------------------------------------------------------- concurrency


def test_requests_are_under_way_together_but_no_more_than_allowed(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    """Would catch requests one after the other (the barrier would break), and a bound that doesn't hold."""
    together = threading.Barrier(4, timeout=100)

    def script(asked: Any) -> Any:
        together.wait()
        time.sleep(0.1)  # in which one too many would come
        return answer(asked.body["prompt"].split("\n")[1])

    server.script = script
    found = generator(samples=1, concurrency=4).generate([request_for(f"s{at}") for at in range(12)], 1)
    assert [[one.tactic for one in candidates] for candidates in found] == [[f"s{at}"] for at in range(12)]
    assert server.most_under_way == 4


def test_the_seeds_are_those_of_the_requests(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer("a")
    subject = generator(samples=1)
    for seed in (1, 2, 1):
        subject.generate([request_for(seed=seed)], 1)
    seeds = [asked.body["seed"] for asked in server.asked]
    assert seeds[0] == seeds[2] != seeds[1]


def test_an_error_of_one_request_ends_the_call_without_waiting_for_the_others(
    server: Any, generator: Any, reply: Any, request_for: Any
) -> None:
    def script(asked: Any) -> Any:
        return reply({"detail": "no such key"}, 401) if "long" in asked.body["prompt"] else reply({}, stall=True)

    server.script = script
    subject = generator(samples=1)
    began = time.monotonic()
    with pytest.raises(UsageError, match="no such key"):
        subject.generate([request_for("short"), request_for("long")], 1)
    assert time.monotonic() - began < 100  # the stalled one would take 120 s
    server.script = lambda asked: reply({"choices": [{"text": "", "finish_reason": "stop"}]})
    assert subject.generate([request_for()], 1) == [[]]  # and the connection can still be used


def test_nothing_is_asked_for_nothing(server: Any, generator: Any, request_for: Any) -> None:
    assert generator().generate([], 4) == []
    assert generator().generate([request_for()], 0) == [[]]
    assert not server.asked


def test_it_works_within_an_event_loop_and_closes_twice(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    import asyncio

    server.script = lambda asked: answer("a")
    subject = generator(samples=1)

    async def notebook() -> Any:
        return subject.generate([request_for()], 1)

    assert asyncio.run(notebook()) == [[Candidate("a", -1.0, 1)]]
    subject.close()
    subject.close()


# -------------------------------------------------------------------------------------------- no log-probabilities


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"tokens": ["a"], "token_logprobs": None},
        {"tokens": ["a", "b"], "token_logprobs": [-1.0]},
        {"tokens": [], "token_logprobs": []},
        {"content": []},
        {"content": ["a"]},
        [],
    ],
)
def test_missing_logprobs_are_an_error_never_a_number(
    server: Any, generator: Any, answer: Any, request_for: Any, logprobs: Any
) -> None:
    one = {"index": 0, "text": "a", "finish_reason": "stop", "logprobs": logprobs}
    server.script = lambda asked: answer(one)
    with pytest.raises(UsageError, match=r"no log-probabilities.*--openai-missing-logprobs frequency"):
        generator(samples=1).generate([request_for()], 1)


def test_frequencies_are_the_shares_of_all_samples(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    texts = ["b", "a", "a ", "a\n", "", "b", "c", "unfinished"]
    server.script = lambda asked: answer(
        *(written(text, None, reason="length" if text == "unfinished" else "stop") for text in texts)
    )
    (found,) = generator(missing_logprobs="frequency").generate([request_for()], 8)
    assert found == [
        Candidate("a", math.log(3 / 8), 1),
        Candidate("b", math.log(2 / 8), 1),
        Candidate("c", math.log(1 / 8), 1),
    ]


def test_where_frequencies_are_wanted_nothing_else_is_asked_for(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any
) -> None:
    """Would catch a run that fails at a server that refuses to be asked for log-probabilities."""

    def script(asked: Any) -> Any:
        if "logprobs" in asked.body:
            return reply({"error": {"message": "logprobs is not supported with this model"}}, 400)
        return answer("a", "a", "b")  # with log-probabilities all the same: all states are to be on one scale

    server.script = script
    for endpoint in ("completions", "chat"):
        said: list[str] = []
        subject = generator(said, missing_logprobs="frequency", endpoint=endpoint)
        subject.prepare()
        (found,) = subject.generate([request_for()], 3)
        assert [one.logprob for one in found] == [math.log(2 / 3), math.log(1 / 3)]
        assert len(said) == 1
        assert "not the model's" in said[0]


@pytest.mark.parametrize("bad", [None, math.nan, -math.inf, math.inf, "-1.0", True, pytest.param(10**400, id="huge")])
@pytest.mark.parametrize("form", ["lists", "content"])
def test_one_answer_without_a_usable_logprob_costs_only_itself(
    server: Any, generator: Any, answer: Any, request_for: Any, form: str, bad: Any
) -> None:
    def one(text: str, value: Any) -> Any:
        tokens, values = ["x", text], [-0.5, value]
        content = [{"token": token, "logprob": number} for token, number in zip(tokens, values, strict=True)]
        lists = {"tokens": tokens, "token_logprobs": values}
        return {
            "text": text,
            "finish_reason": "stop",
            "logprobs": lists if form == "lists" else {"content": content},
        }

    server.script = lambda asked: answer(one("a", -0.5), one("b", bad), one("c", -1.0))
    said: list[str] = []
    subject = generator(said, samples=3)
    for _ in range(2):
        assert subject.generate([request_for()], 3) == [[Candidate("a", -1.0, 2), Candidate("c", -1.5, 2)]]
    assert len(said) == 1  # once, and in a total
    assert "left out" in said[0]
    subject.close()
    assert said[1:] == ["2 of 6 answers were left out: a log-probability is missing or no finite number"]


def test_a_state_whose_only_answer_has_no_usable_logprob_gets_none(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    """Would catch a theorem that fails for one NaN of a server that mostly gives numbers."""
    server.script = lambda asked: answer(written("a", [math.nan if "odd" in asked.body["prompt"] else -1.0]))
    said: list[str] = []
    subject = generator(said, temperature=0)
    assert subject.generate([request_for("odd"), request_for("even")], 4) == [[], [Candidate("a", -1.0, 1)]]
    assert any("a state got no candidate: of 1 answers 1 had no log-probability" in one for one in said)


def test_a_server_that_gives_logprobs_may_leave_them_out_once(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer(written("a", None if "odd" in asked.body["prompt"] else [-1.0]))
    subject = generator(samples=1)
    subject.prepare()
    assert subject.generate([request_for("odd")], 1) == [[]]


def test_a_number_behind_the_stop_string_does_not_matter(
    server: Any, generator: Any, answer: Any, request_for: Any
) -> None:
    logprobs = {"tokens": ["exact h", "\n", "rest"], "token_logprobs": [-0.5, -0.25, None]}
    server.script = lambda asked: answer({"text": "exact h", "finish_reason": "stop", "logprobs": logprobs})
    assert generator(samples=1).generate([request_for()], 1) == [[Candidate("exact h", -0.75, 2)]]


def test_preparing_asks_again_where_one_answer_has_no_number(
    server: Any, generator: Any, answer: Any, written: Any
) -> None:
    server.script = lambda asked: answer(written("a", [math.nan if len(server.asked) < 3 else -1.0]))
    generator().prepare()
    assert len(server.asked) == 3
    server.script = lambda asked: answer(written("a", [None]))
    with pytest.raises(UsageError, match="no log-probabilities that are finite numbers"):
        generator().prepare()


# ------------------------------------------------------------------------------- states without candidates are told


def test_a_state_whose_answers_are_all_cut_off_is_said(
    server: Any, generator: Any, answer: Any, written: Any, request_for: Any
) -> None:
    """Would catch a search that ends as exhausted in silence."""
    server.script = lambda asked: answer(*([written("x" * 40, reason="length")] * 3), "  ")
    said: list[str] = []
    subject = generator(said, samples=4, max_tokens=16)
    for _ in range(3):
        assert subject.generate([request_for()], 4) == [[]]
    assert said == [
        "a state got no candidate: of 4 answers 3 had not ended after 16 tokens (--openai-max-tokens), 1 were empty"
    ]
    subject.close()
    assert said[1:] == [
        "3 of 3 states got no candidates because no answer to them could be used",
        "9 of 12 answers had not ended after 16 tokens (--openai-max-tokens) and were dropped",
        "3 of 12 answers were empty",
    ]
    subject.close()
    assert len(said) == 4


def test_an_answer_that_is_whole_is_no_warning(server: Any, generator: Any, answer: Any, request_for: Any) -> None:
    server.script = lambda asked: answer("a", "b")
    said: list[str] = []
    subject = generator(said, samples=2)
    subject.generate([request_for()], 2)
    subject.close()
    assert said == []


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_state_that_is_refused_costs_only_itself(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any, status: int
) -> None:
    """Whatever words a server has for a prompt that is too long."""

    def script(asked: Any) -> Any:
        if len(asked.body["prompt"]) > 120:
            return reply({"error": {"message": "zu lang"}}, status)
        return answer("a", "b")

    server.script = script
    said: list[str] = []
    subject = generator(said, samples=2)
    requests = [request_for("x" * 200), request_for("|- ph"), request_for("y" * 200)]
    assert [len(found) for found in subject.generate(requests, 2)] == [0, 2, 0]
    assert len(said) == 1
    assert "gets no candidates" in said[0]
    assert "zu lang" in said[0]
    subject.close()
    assert said[1:] == ["2 of 3 states got no candidates because the server refuses their prompts or fails at them"]


def test_a_server_that_fails_from_now_on_is_not_taken_for_states_that_are_too_long(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any
) -> None:
    server.script = lambda asked: answer("a") if len(server.asked) == 1 else reply({"detail": "out of memory"}, 500)
    subject = generator(samples=1)
    assert len(subject.generate([request_for()], 1)[0]) == 1
    with pytest.raises(ServerError, match="out of memory"):
        subject.generate([request_for()], 1)


def test_a_first_state_that_is_too_long_is_told_from_options_that_are_refused(
    server: Any, generator: Any, answer: Any, reply: Any, request_for: Any
) -> None:
    def script(asked: Any) -> Any:
        long = len(asked.body["prompt"]) > 120 or asked.body["max_tokens"] > 128
        return reply({"detail": "too many tokens"}, 400) if long else answer("a")

    server.script = script
    assert generator(samples=1).generate([request_for("x" * 200)], 1) == [[]]
    with pytest.raises(UsageError, match="too many tokens"):
        generator(samples=1, max_tokens=4096).generate([request_for("|- ph")], 1)


def test_preparing_fails_without_logprobs(server: Any, generator: Any, answer: Any, written: Any) -> None:
    server.script = lambda asked: answer(written("a", None))
    with pytest.raises(UsageError, match="--openai-missing-logprobs"):
        generator().prepare()
    server.script = lambda asked: answer(written("", None))  # ended at once: nothing to have a log-probability
    generator().prepare()
    assert all(asked.body["n"] == 1 and asked.body["max_tokens"] <= 8 for asked in server.asked)


def test_a_model_that_is_the_only_one_needs_no_name(server: Any, generator: Any, answer: Any, reply: Any) -> None:
    server.script = lambda asked: answer("a")
    server.models = reply({"data": [{"id": "org/only-7b"}]})
    generator(model=None).prepare()
    assert json.loads(json.dumps(server.asked[0].body))["model"] == "org/only-7b"
    server.models = reply({"data": [{"id": "x"}, {"id": "y"}]})
    with pytest.raises(UsageError, match=r"which model\? The server lists: 'x', 'y'; choose with --openai-model"):
        generator(model=None).prepare()
