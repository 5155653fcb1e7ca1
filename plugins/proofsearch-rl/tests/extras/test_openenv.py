"""OpenEnv's clients understand ``proofsearch serve``, and OpenEnv's server our environment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from openenv import GenericEnvClient
from openenv.core import create_app
from proofsearch_rl.openenv import ProofAction, ProofClient, ProofEnvironment, ProofObservation
from proofsearch_rl.serving.schema import schemas
from waiting import until


def plays_an_episode(client: ProofClient) -> None:
    """The same of either server: what cheats earns nothing, the proof earns the reward."""
    with client.sync() as env:
        begun = env.reset(theorem="zero-0")
        assert (begun.observation.state, begun.reward, begun.done) == ("2 is 0", 0.0, False)
        refused = env.step(ProofAction(tactic="axiom"))
        assert (refused.observation.outcome, refused.reward, refused.done) == ("refused", 0.0, False)
        assert env.step(ProofAction(tactic="half")).observation.state == "1 is 0"
        assert (env.state().step_count, env.state().theorem) == (2, "zero-0")
        proved = env.step(ProofAction(tactic="dec"))
        assert (proved.reward, proved.done) == (1.0, True)
        assert proved.observation.verdict is not None and proved.observation.verdict["tier"] == "axioms audited"
        with pytest.raises(RuntimeError, match="zero-0 is over"):
            env.step(ProofAction(tactic="dec"))
        assert env.reset(seed=1).observation.theorem == env.reset(seed=1).observation.theorem


def test_our_client_of_theirs_and_our_server(serve: Callable[..., Any]) -> None:
    at = serve()
    plays_an_episode(ProofClient(at.url.removesuffix("/ws"), headers={"Authorization": f"Bearer {at.token}"}))
    until(lambda: at.server.capacity.sessions == 0)


def test_their_generic_client_and_our_server(serve: Callable[..., Any]) -> None:
    at = serve()
    address = at.url.removesuffix("/ws").replace("://", f"://any:{at.token}@")  # no header: the token is in the URL
    with GenericEnvClient(address).sync() as env:
        assert env.reset(theorem="zero-0").observation["state"] == "2 is 0"
        assert env.step({"tactic": "half"}).observation["outcome"] == "advanced"
        assert env.step({"tactic": "dec"}).reward == 1.0
        with pytest.raises(RuntimeError, match="VALIDATION_ERROR"):
            env.step({"reward": 1})


def test_a_wrong_token_is_no_connection(serve: Callable[..., Any]) -> None:
    with pytest.raises(ConnectionError), GenericEnvClient(serve().url.removesuffix("/ws")).sync() as env:
        env.reset()


@contextmanager
def their_server() -> Iterator[str]:
    """OpenEnv's own server with our environment."""

    def factory() -> ProofEnvironment:
        return ProofEnvironment("rl-prover")

    app = create_app(factory, ProofAction, ProofObservation, env_name="proofsearch", max_concurrent_envs=4)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    (listening,) = server.servers[0].sockets
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_our_client_and_their_server() -> None:
    with their_server() as address:
        plays_an_episode(ProofClient(address))


def test_the_schema_that_we_serve_is_that_of_their_models() -> None:
    """Who asks our server for its schema gets what OpenEnv's would say, but for what every model has there."""
    for ours, theirs in (("action", ProofAction), ("observation", ProofObservation)):
        served, wanted = schemas()[ours]["properties"], theirs.model_json_schema()["properties"]
        assert set(wanted) - set(served) <= {"metadata", "done", "reward"}
        assert set(served) <= set(wanted)
        assert all(served[name].get("type") == wanted[name].get("type") for name in served)
