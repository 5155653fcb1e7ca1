"""The Gymnasium environments pass Gymnasium's own checks, here and over a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

gymnasium = pytest.importorskip(
    "gymnasium", reason="gymnasium isn't installed; pip install 'proofsearch-rl[gymnasium]'"
)

import rl_prover  # noqa: E402
from gymnasium.utils.env_checker import check_env  # noqa: E402
from proofsearch_rl import shared  # noqa: E402
from proofsearch_rl.spaces import UnicodeText  # noqa: E402

from proofsearch.errors import UsageError  # noqa: E402

ID = "proofsearch_rl.gym:proofsearch/Prove-v0"
PROVER: dict[str, Any] = {"env": "rl-prover"}


def test_gymnasiums_own_check_passes_without_a_warning() -> None:
    env = gymnasium.make(ID, **PROVER, max_steps=5)
    check_env(env.unwrapped)
    env.close()
    assert not shared._provers


def test_it_passes_over_a_server_too(serve: Callable[..., Any]) -> None:
    at = serve()
    env = gymnasium.make(ID, url=at.url, token=at.token)
    check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize("remote", [False, True])
def test_an_episode(serve: Callable[..., Any], remote: bool) -> None:
    where = PROVER
    if remote:
        at = serve()
        where = {"url": at.url, "token": at.token}
    env = gymnasium.make(ID, **where, theorems=("zero-0",), render_mode="ansi")
    state, info = env.reset(seed=3)
    assert (state, info["theorem"], info["outcome"]) == ("2 is 0", "zero-0", "begun")
    assert env.step("axiom")[1:4] == (0.0, False, False)
    state, reward, terminated, truncated, info = env.step("half")
    assert (state, reward, terminated, truncated) == ("1 is 0", 0.0, False, False)
    assert "zero-0" in env.render()
    state, reward, terminated, truncated, info = env.step("dec")
    assert (state, reward, terminated, truncated) == ("", 1.0, True, False)
    assert info["verdict"]["proved"]
    assert env.reset(options={"theorem": "zero-3"})[1]["theorem"] == "zero-3"
    with pytest.raises(UsageError, match="no option 'name'; it has: theorem"):
        env.reset(options={"name": "zero-3"})
    env.close()


def test_long_states_are_cut_and_said_to_be() -> None:
    env = gymnasium.make(ID, **PROVER, theorems=("zero-0",), max_state=3)
    state, info = env.reset()
    assert (state, info["cut"], info["state"]) == ("2 i", True, "2 is 0")
    assert state in env.observation_space
    env.close()


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point", "served"])
def test_vectors(serve: Callable[..., Any], mode: str) -> None:
    """The three ways give the same episodes, those that begin anew included."""
    where = PROVER | {"max_steps": 3}
    if mode == "served":
        at = serve(workers=2, episodes={"max_steps": 3})
        where, mode = {"url": at.url, "token": at.token}, "vector_entry_point"
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode=mode, **where, theorems=("zero-0", "zero-1"))
    envs.reset(seed=0)
    seen = []
    for actions in (("half", "dec"), ("dec", "dec"), ("nonsense", "nonsense"), ("axiom", "dec")):
        states, rewards, terminated, truncated, infos = envs.step(actions)
        assert list(states) == [state if state else "" for state in infos["state"]]
        seen.append((rewards.tolist(), terminated.tolist(), truncated.tolist(), infos["steps"].tolist()))
    for rewards, terminated, _, _ in seen:
        assert rewards == [float(one) for one in terminated]
    assert any(any(truncated) or any(terminated) for _, terminated, truncated, _ in seen)
    assert any(0 in steps for *_, steps in seen)  # an episode that is over begins anew with the next step
    assert envs.observation_space.contains(tuple(states))
    envs.close()
    assert not shared._provers


def test_all_episodes_of_a_process_share_a_prover_and_give_it_back() -> None:
    one, other = gymnasium.make(ID, **PROVER), gymnasium.make(ID, **PROVER)
    assert len(shared._provers) == 1
    before = rl_prover.OPEN
    one.reset()
    one.close()
    assert len(shared._provers) == 1
    other.reset()  # still there
    other.close()
    assert not shared._provers
    assert before == rl_prover.OPEN


def test_texts_of_any_alphabet_are_in_the_space() -> None:
    space = UnicodeText(4, seed=1)
    assert "∀x" in space and "" in space
    assert "12345" not in space and 7 not in space
    assert all(space.sample() in space for _ in range(20))
    assert space == UnicodeText(4) != UnicodeText(5)
