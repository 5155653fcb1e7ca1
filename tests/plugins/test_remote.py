"""Shared components in another process: workers get what the component itself would answer, in shared calls."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from proofsearch.config import RunConfig
from proofsearch.errors import PluginError
from proofsearch.protocols import Fingerprinted, Job, ReportsStatistics
from proofsearch.runs.worker import Searched, WorkerRecipe
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.workers.calls import CallServer

EXTRA = ("servedparts",)
THEOREMS = CountdownEnvironment(CountdownConfig(size=12)).theorems()


def config(folder: Path, **served: Any) -> RunConfig:
    return RunConfig.model_validate(
        {
            "env": "served-countdown",
            "generator": "served",
            "scorer": "served-value",
            "search": {"limit": {"expansions": 30}},
            "execution": {"max_wait": 0.05},
            "options": {"served": {"notes": folder / "notes", **served}, "served-countdown": {"size": 12}},
        }
    )


@contextmanager
def hosted(recipe: WorkerRecipe) -> Iterator[WorkerRecipe]:
    """A recipe of workers that ask hosts, as another process gets it."""
    with ExitStack() as opened:
        addresses = {}
        for model in recipe.models():
            host = pickle.loads(pickle.dumps(recipe.hosting(model)))()
            opened.callback(host.close)
            server = CallServer(host, host.working, host.adapt, "127.0.0.1")
            opened.callback(server.close)
            addresses[model] = server.address
        yield pickle.loads(pickle.dumps(recipe.asking(addresses)))


def searched(recipe: WorkerRecipe) -> dict[str, Any]:
    worker = recipe()
    try:
        return {theorem.name: found(worker.run(Job(theorem.name, theorem))) for theorem in THEOREMS}
    finally:
        worker.close()


def found(searched: Searched) -> Any:
    result = searched.result
    return result.status, result.tactics, result.expansions, result.edges, result.scored, result.messages


def notes(folder: Path) -> list[tuple[str, int]]:
    lines = [line.split() for line in (folder / "notes").read_text().splitlines()]
    return [(name, int(size)) for _, name, size in lines]


def test_the_models_of_a_run_are_its_shared_components(tmp_path: Path) -> None:
    assert WorkerRecipe(config(tmp_path), extra=EXTRA).models() == [("generator", "served"), ("encoder", "served")]


def test_a_worker_that_asks_finds_what_one_with_its_own_models_finds(tmp_path: Path) -> None:
    recipe = WorkerRecipe(config(tmp_path), extra=EXTRA)
    expected = searched(recipe)
    own = notes(tmp_path)
    (tmp_path / "notes").unlink()
    with hosted(recipe) as asking:
        asking.prepare()
        assert notes(tmp_path) == [("prepared", 0)], "by its host, which has it"
        assert searched(asking) == expected
        assert notes(tmp_path)[1:] == [one for one in own if one[1]], "the same calls, and none is closed"
        assert searched(asking) == expected, "a worker that ended closed nothing that others ask"
    assert {status for status, *_ in expected.values()} >= {"proved"}
    assert sorted(notes(tmp_path)[-2:]) == [("policy", 0), ("vectors", 0)]


def test_calls_of_workers_that_ask_at_once_are_merged(tmp_path: Path) -> None:
    recipe = WorkerRecipe(config(tmp_path), extra=EXTRA)
    expected = searched(recipe)
    (tmp_path / "notes").unlink()
    results: list[dict[str, Any]] = []
    with hosted(recipe) as asking:
        # Each thread as a process of its own would: with connections of its own.
        recipes = [pickle.loads(pickle.dumps(asking)) for _ in range(3)]
        threads = [threading.Thread(target=lambda mine=mine: results.append(searched(mine))) for mine in recipes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
        policy = [size for name, size in notes(tmp_path) if name == "policy"]
    assert results == [expected] * 3
    assert max(policy) > 1
    assert sum(policy) == 3 * sum(expansions for _, _, expansions, *_ in expected.values())


def test_what_a_model_raises_is_the_searchs_own(tmp_path: Path) -> None:
    statement = THEOREMS[3].statement
    recipe = WorkerRecipe(config(tmp_path, fail=statement), extra=EXTRA)
    with hosted(recipe) as asking:
        worker = asking()
        with pytest.raises(PluginError, match=f"refused: {statement}"):
            worker.run(Job("t", THEOREMS[3]))
        assert found(worker.run(Job("u", THEOREMS[2])))[0] == "proved"
        worker.close()


def test_abilities_are_those_of_the_component(tmp_path: Path) -> None:
    with hosted(WorkerRecipe(config(tmp_path), extra=EXTRA)) as asking:
        worker = asking()
        policy = worker._generator
        assert isinstance(policy, ReportsStatistics)
        assert not isinstance(policy, Fingerprinted)
        worker.close()
