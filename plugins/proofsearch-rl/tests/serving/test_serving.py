"""What is served is what an episode of this process would be; many sessions, clients and workers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proofsearch_rl.client import Client, ServedError
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.serving.background import Served, served
from proofsearch_rl.serving.settings import ServeSettings
from waiting import until

from proofsearch.errors import InputError
from proofsearch.runs.prover import Prover

Serve = Callable[..., Served]
Connect = Callable[[Served], Client]


def test_an_episode_is_the_same_as_in_this_process(serve: Serve, connect: Connect, prover: Prover) -> None:
    bounds = {"max_steps": 9}
    episode = connect(serve(episodes=bounds)).session()
    with Episode(prover, EpisodeLimits.model_validate(bounds)) as local:
        assert episode.reset("zero-1") == local.reset("zero-1")
        for tactic in ("dec", "nonsense", "axiom", "admit", "half", "a" * 5000, "split", "dec", "dec"):
            assert episode.step(tactic) == local.step(tactic), tactic
        assert local.step.__self__._over  # the bound was reached, as the server's was
        with pytest.raises(ServedError, match="zero-1 is over: reset it") as over:
            episode.step("dec")
        assert over.value.code == "SESSION_ERROR"


def test_a_proof_over_a_server_is_rewarded(serve: Serve, connect: Connect) -> None:
    episode = connect(serve()).session()
    episode.reset("zero-0")
    assert [episode.step(tactic).reward for tactic in ("admit", "half", "axiom", "dec")] == [0, 0, 0, 1]


def test_many_sessions_of_many_clients(serve: Serve, connect: Connect) -> None:
    at = serve(workers=2)
    clients = [connect(at) for _ in range(3)]
    for client in clients:
        assert all(
            turn.state == "2 is 0"
            for turn in client.many("reset", {key: {"theorem": "zero-0"} for key in range(5)}).values()
        )  # type: ignore[union-attr]
    assert at.server.capacity.sessions == 15
    assert sorted(link.sessions for link in at.server.links) == [7, 8]
    turns = clients[0].many("step", {0: {"tactic": "half"}, 3: {"tactic": "nonsense"}, 9: {"tactic": "half"}})
    assert (turns[0].outcome, turns[3].outcome) == ("advanced", "rejected")  # type: ignore[union-attr]
    assert isinstance(turns[9], ServedError) and "there is no session 9" in str(turns[9])
    clients[0].end(0)
    assert at.server.capacity.sessions == 14
    with pytest.raises(ServedError, match="there is no session 0"):
        clients[0].session(0).step("dec")
    assert clients[1].session(0).step("half").state == "1 is 0"  # another client's session of the same number


def test_requests_of_one_session_among_many_are_done_in_order(serve: Serve, connect: Connect) -> None:
    client = connect(serve())
    parts = [{"type": "reset", "data": {"theorem": "zero-1"}}] + [{"type": "step", "data": {"tactic": "dec"}}] * 3
    answers = client._ask({"type": "many", "data": parts}, "many")
    assert [answer["data"]["observation"]["state"] for answer in answers] == [f"{n} is 0" for n in (39, 38, 37, 36)]


def test_theorems_are_listed_and_drawn_by_seed(serve: Serve, connect: Connect) -> None:
    client = connect(serve(split="validation"))
    names = client.theorems("validation")
    drawn = [client.request("reset", seed=seed).theorem for seed in (1, 1, 2, 3, 4)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert set(drawn) <= set(names)
    assert client.request("reset", seed=1, split="test").theorem in client.theorems("test")
    with pytest.raises(ServedError, match="no theorem 'zero-x'") as unknown:
        client.request("reset", theorem="zero-x")
    assert unknown.value.code == "EXECUTION_ERROR"


def test_a_long_step_of_one_holds_up_nobody_in_another_worker(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    at, flag = serve(workers=2), tmp_path / "flag"
    slow, quick = connect(at).session(), connect(at).session()
    slow.reset("zero-1")
    quick.reset("zero-1")
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(slow.step(f"wait {flag}")))
    thread.start()
    assert quick.step("dec").outcome == "advanced"
    assert not found
    flag.touch()
    thread.join()
    assert found[0].message == "waited"


def test_what_is_not_served_says_why() -> None:
    with (
        pytest.raises(InputError, match="the environment 'nowhere' can't be served: no environment is named 'nowhere'"),
        served(ServeSettings(env="nowhere", workers=1)),
    ):
        pass
    nothing = ServeSettings(env="rl-prover", options={"rl-prover": {"size": 1}}, split="test", workers=1)
    with pytest.raises(InputError, match="has no theorem in the split 'test'"), served(nothing):
        pass


def test_a_port_that_is_taken_is_named(serve: Serve) -> None:
    taken = serve().server.port
    same = ServeSettings(env="rl-prover", workers=1, port=taken)
    with pytest.raises(InputError, match=f"127.0.0.1:{taken}: can't listen there.*--port"), served(same):
        pass


def test_nothing_is_left_when_a_server_ends(serve: Serve) -> None:
    import psutil

    with served(ServeSettings(env="rl-prover", workers=2, port=0)) as at:
        pids = [link.pid for link in at.server.links]
        with Client(at.url, at.token) as client:
            client.session().reset("zero-0")
        until(lambda: at.server.capacity.sessions == 0)
    assert not any(psutil.pid_exists(pid) for pid in pids if pid is not None)
