"""Would catch: a run that stops too soon or too late, by what is searched fast, or that can't be completed later."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from runfolders import stopped_after

from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.evaluation import EvaluationSettings, evaluate
from proofsearch.evaluation.stopping import DecidedAgainst
from proofsearch.measures.sequential import decided_at
from proofsearch.runs import RunFolder
from proofsearch.runs.run import resume_search, run_search

pytestmark = pytest.mark.usefixtures("fake_prover")

SIZE = 40


def config(**fields: Any) -> RunConfig:
    base: dict[str, Any] = {
        "env": "fake",
        "generator": "fake",
        "scorer": "random",
        "select": {"split": "all", "shuffle": True},
        "execution": {"workers": 1},  # with several, one that is slow lets the others go on behind it
        "search": {"limit": {"expansions": 64}},
        "options": {"local": {"mode": "threads"}, "fake": {"size": SIZE}},
    }
    return RunConfig(**base | fields)


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that proves everything; searched once, and copied for each test."""
    searched = tmp_path_factory.getbasetemp() / "proves-everything"
    if not searched.exists():
        assert run_search(config(), searched).proved == SIZE
    return Path(shutil.copytree(searched, tmp_path / "run"))


def poor(run: Path, proves: Sequence[bool] = (False,) * SIZE) -> Path:
    """A finished run of the same theorems, with these outcomes."""
    return stopped_after(run, run.with_name("poor"), proves)


def without_search(rule: DecidedAgainst, run: Path, order: Sequence[int]) -> list[bool]:
    """Shows a rule the results of a run in an order; whether it was enough after each."""
    folder = RunFolder.open(run)
    rule.begin(folder.config, folder.fingerprint, folder.theorems, {})
    results = list(folder.results().values())
    seen = []
    for place in order:
        rule.take(results[place])
        seen.append(rule.enough)
    return seen


def test_a_run_stops_where_the_sequential_test_does_and_can_be_completed(run: Path, tmp_path: Path) -> None:
    against = poor(run)
    rule = DecidedAgainst(against)
    summary = run_search(config(), tmp_path / "new", until=rule)
    at = decided_at([1] * SIZE, SIZE)
    assert at is not None and rule.test.decided_at == at < SIZE - 2
    assert at <= len(summary.results) <= at + 1, "what was under way when it was decided is ended, and no more begun"
    folder = RunFolder.open(tmp_path / "new")
    assert folder.status == "stopped"
    assert [theorem.name for theorem in folder.remaining()] == [
        theorem.name for theorem in folder.theorems if theorem.name not in summary.results
    ]
    # Whoever evaluates it later is told the same.
    (later,) = evaluate([against, tmp_path / "new"], EvaluationSettings(resamples=100, stop_early=True)).comparisons
    assert later.sequential is not None and later.sequential.decided_at == at
    # Resumed by the same rule it has nothing left to do; without one it is completed.
    again = DecidedAgainst(against)
    assert resume_search(tmp_path / "new", until=again).results == summary.results
    assert again.test.decided_at == at
    assert len(resume_search(tmp_path / "new").results) == SIZE
    assert RunFolder.open(tmp_path / "new").status == "finished"


def test_without_a_difference_every_theorem_is_searched(run: Path, tmp_path: Path) -> None:
    rule = DecidedAgainst(run)
    assert run_search(config(), tmp_path / "new", until=rule).proved == SIZE
    assert not rule.enough and rule.test.looked == SIZE
    assert RunFolder.open(tmp_path / "new").status == "finished"


def test_it_is_given_up_where_that_is_asked_for_and_the_rest_is_unlikely_to_decide(run: Path, tmp_path: Path) -> None:
    rule = DecidedAgainst(run, futility=0.1)
    summary = run_search(config(), tmp_path / "new", until=rule)
    assert rule.futile and rule.test.decided_at is None
    assert len(summary.results) < SIZE
    assert rule.test.chance < 0.1
    never = DecidedAgainst(run, futility=0.0)
    assert not any(without_search(never, run, range(SIZE)))


def test_what_is_searched_fast_decides_nothing(run: Path) -> None:
    at = decided_at([1] * SIZE, SIZE)
    assert at is not None
    against = poor(run)
    last_first = [*range(1, SIZE), 0]
    assert without_search(DecidedAgainst(against), run, last_first) == [False] * (SIZE - 1) + [True]
    order = list(range(SIZE))
    random.Random(1).shuffle(order)
    expected = [all(place in order[: seen + 1] for place in range(at)) for seen in range(SIZE)]
    assert without_search(DecidedAgainst(against), run, order) == expected


def test_only_proofs_within_the_smaller_limit_count(run: Path) -> None:
    """Catches a run with more expansions that wins by them."""
    folder = RunFolder.open(run)
    results = list(folder.results().values())
    within = sorted(result.expansions for result in results)[SIZE // 4]
    rule = DecidedAgainst(poor(run))
    smaller = config(search={"limit": {"expansions": within}})
    rule.begin(smaller, folder.fingerprint, folder.theorems, folder.results())
    counted = results[: rule.test.looked]
    assert rule.test.only_second == sum(result.expansions <= within for result in counted) < len(counted)


def test_a_run_that_is_not_finished_and_other_theorems_are_refused(run: Path, tmp_path: Path) -> None:
    unfinished = stopped_after(run, tmp_path / "unfinished", [True] * 10)
    with pytest.raises(UsageError, match=r"30 of its 40 theorems have no result yet.*--resume"):
        DecidedAgainst(unfinished)
    for other in ({"split": "test", "shuffle": True}, {"split": "all"}):
        with pytest.raises(UsageError, match="not the same ones in the same order; give this search the selection"):
            run_search(config(select=other), tmp_path / "new", until=DecidedAgainst(run))
    folder = RunFolder.open(run)
    for env, fingerprint in (("another", folder.fingerprint), ("fake", folder.fingerprint | {"fake": "9"})):
        with pytest.raises(UsageError, match=f"{run} and this search can't be compared"):
            DecidedAgainst(run).begin(config(env=env), fingerprint, folder.theorems, {})
    assert not (tmp_path / "new").exists()
