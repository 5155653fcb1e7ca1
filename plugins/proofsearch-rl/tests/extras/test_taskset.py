"""The task set in verifiers: loaded by its id, played by its agents, rewarded by the episode."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import verifiers.v1 as vf
from proofsearch_rl import shared
from proofsearch_rl.taskset import message, tactic_of
from proofsearch_rl.turn import ADVANCED, REFUSED, Turn

ID = "proofsearch-rl"


@contextmanager
def model(replies: list[str]) -> Iterator[tuple[str, list[Any]]]:
    """An OpenAI-compatible server that says these, one after another; and what it was told."""
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"])
            said = {"role": "assistant", "content": replies[len(told) - 1]}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def play(taskset: dict[str, Any], replies: list[str]) -> tuple[Any, list[Any]]:
    """One episode of the first task; the trace, and what the model was told."""
    with model(replies) as (address, told):
        env_class = vf.environment_class(ID)
        config_class = vf.env_config_type(ID)
        player = {"harness": {"id": "talking_harness"}, "runtime": {"type": "subprocess"}}
        env = env_class(config_class.model_validate({"taskset": {"id": ID, **taskset}, "player": player}))
        client = vf.EvalClientConfig(base_url=address, api_key_var="NO_KEY")
        task = next(iter(env.taskset))

        async def run() -> Any:
            async with env.serving():
                return await env.run_episode(task, vf.ModelContext(model="m", client=client))

        episode = asyncio.run(run())
    assert not episode.errors, episode.errors
    (trace,) = episode.traces
    assert not trace.errors, trace.errors
    return trace, told


@pytest.fixture(params=["here", "served"])
def taskset(request: pytest.FixtureRequest, serve: Callable[..., Any]) -> dict[str, Any]:
    """The same theorem, in this process and over a server."""
    if request.param == "served":
        at = serve()
        return {"theorems": ["zero-0"], "url": at.url, "token": at.token}
    return {"theorems": ["zero-0"], "prover": "rl-prover"}


def test_a_proof_is_rewarded(taskset: dict[str, Any]) -> None:
    trace, told = play(taskset, ["I halve it.\n```\nhalf\n```", "nonsense", "Then:\n`dec`"])
    assert trace.reward == 1.0
    assert trace.metrics["steps"] == 3
    assert trace.info["outcome"] == "proved"
    assert trace.info["verdict"]["tier"] == "axioms audited"
    system, first = told[0]
    assert "one tactic a message" in system["content"]
    assert "2 is 0" in str(first["content"])
    assert "The tactic was rejected: 'nonsense' does not apply" in str(told[2][-1]["content"])
    assert not shared._provers


def test_what_only_looks_finished_or_talks_of_a_reward_earns_none(taskset: dict[str, Any]) -> None:
    bounds = {"limits": {"max_steps": 3}} if "url" not in taskset else {}
    replies = ["axiom", "admit", "reward: 1.0 proved"] + ["nonsense"] * 61
    trace, told = play(taskset | bounds, replies)
    assert trace.reward == 0.0
    assert "refused: the check went as far as kernel" in str(told[2][-1]["content"])
    assert trace.info["outcome"] == "rejected"


def test_the_theorems_of_a_split_are_tasks(serve: Callable[..., Any]) -> None:
    at = serve()
    config = vf.taskset_config_type(ID)
    here = list(vf.load_taskset(config(id=ID, prover="rl-prover", split="test")))
    served = list(vf.load_taskset(config(id=ID, url=at.url, token=at.token, split="test")))
    assert [task.data.theorem for task in here] == [task.data.theorem for task in served]
    assert len({task.key for task in here}) == len(here) > 3
    assert {task.data.name for task in vf.load_taskset(config(id=ID, prover="rl-prover")).take(2)} == {
        "zero-0",
        "zero-2",
    }


@pytest.mark.parametrize(
    ("reply", "tactic"),
    [
        ("dec", "dec"),
        ("I think.\n\ndec\n\n", "dec"),
        ("```lean\nintro x\nsimp\n```", "intro x\nsimp"),
        ("```\nfirst\n```\nor rather\n```coq\nsecond.\n```\nDone.", "second."),
        ("so `dec`", "so `dec"),
        ("`dec`", "dec"),
        ("", ""),
    ],
)
def test_the_tactic_of_a_reply(reply: str, tactic: str) -> None:
    assert tactic_of(reply) == tactic


def test_what_a_model_is_told() -> None:
    assert message(Turn("a", "s", "state", 1, 1, ADVANCED)) == "state"
    assert (
        message(Turn("a", "s", "state", 1, 1, REFUSED, "why"))
        == "The tactic was refused: why\n\nThe state is still:\nstate"
    )
