"""Would catch: a minimised run that other commands can't read, is not resumed, or holds what was not checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofsearch.config import RunConfig
from proofsearch.errors import RunFolderError, UsageError
from proofsearch.evaluation import evaluate
from proofsearch.runs import RunFolder
from proofsearch.runs.minimising.recorded import shortest
from proofsearch.runs.minimising.run import minimise_run
from proofsearch.runs.minimising.worker import Bounds
from proofsearch.runs.run import resume_search, run_search
from proofsearch.runs.verification import verify_run
from proofsearch.trainers.searches import LearnableSearches
from proofsearch.trajectory.choices import choices
from proofsearch.trajectory.reader import read_searches

pytestmark = pytest.mark.usefixtures("fake_prover")


def config(**options: object) -> RunConfig:
    base: dict[str, object] = {
        "env": "fake",
        "generator": "fake",
        "scorer": "random",
        "select": {"split": "all"},
        "search": {"priority": {"kind": "value"}, "limit": {"expansions": 100}},
        "execution": {"workers": 1},
        "options": {"fake": {"size": 6, "offset": 1}, "local": {"mode": "threads"}},
    }
    return RunConfig.model_validate(base | options)


def optimum(number: int) -> int:
    steps = [0]
    for one in range(1, number + 1):
        steps.append(1 + min(steps[one - 1], steps[one // 2] if one % 2 == 0 else one))
    return steps[number]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run_search(config(), tmp_path / "run")
    return tmp_path / "run"


def test_every_proof_becomes_as_short_as_can_be_and_the_run_is_one_like_others(run: Path, tmp_path: Path) -> None:
    found = minimise_run(run, tmp_path / "short", Bounds(expansions=120), workers=1)
    before, after = RunFolder.open(run), RunFolder.open(tmp_path / "short")
    proved = {name for name, result in before.results().items() if result.proved}
    assert set(after.results()) == proved and len(proved) >= 4
    for name, result in after.results().items():
        theorem = next(theorem for theorem in after.theorems if theorem.name == name)
        assert len(result.tactics) == optimum(int(theorem.statement.split()[0])) <= len(before.results()[name].tactics)
        assert after.proof(name) == "\n".join(result.tactics)
    assert found.shorter == sum(after < before for before, after in found.lengths) > 0
    assert found.median[0] > found.median[1]
    assert all(verdict.proved for verdict in verify_run(tmp_path / "short").verdicts.values())
    assert "shorter proofs of another run" in evaluate([tmp_path / "short"]).runs[0].notes[0]
    # What trainers read: a search that proves the theorem by this very proof.
    searches = {search.theorem.name: search for search in read_searches([tmp_path / "short"])}
    assert set(searches) == proved
    for name, search in searches.items():
        tactics = after.results()[name].tactics
        assert tuple(search.edges.tactic[edge] for edge in search.proof()) == tactics
        assert after.results()[name].search_id == search.search_id
    beside = [max(len(search.edges.range(node)) for node in range(search.num_nodes)) for search in searches.values()]
    assert max(beside) > 1, "where that leaves no doubt, beside the policy's other candidates"


def test_trainers_learn_the_short_proofs_and_a_decision_at_each_step(run: Path, tmp_path: Path) -> None:
    """Catches a run that holds the short proofs and teaches something else, or nothing."""
    minimise_run(run, tmp_path / "short", Bounds(expansions=120), workers=1)
    after = RunFolder.open(tmp_path / "short").results()
    learnt = {search.theorem.name: search for search in LearnableSearches([tmp_path / "short"])}
    assert set(learnt) == {name for name, of in after.items() if _split(run, name) != "test"} != set()
    decisions = 0
    for name, search in learnt.items():
        assert tuple(search.edges.tactic[edge] for edge in search.proof()) == after[name].tactics
        steps = [search.labels.remaining[search.edges.source[edge]] for edge in search.proof()]
        assert steps == list(range(len(steps), 0, -1))
        for choice in choices(search):
            decisions += 1
            assert 0 < sum(choice.positive) < len(choice.positive), "one way leads on, and the policy had others"
    assert decisions > len(learnt) / 2


def _split(run: Path, name: str) -> str:
    return next(theorem.split for theorem in RunFolder.open(run).theorems if theorem.name == name)


def test_the_shortest_recorded_proof_is_free(run: Path, tmp_path: Path) -> None:
    searches = [search for search in read_searches([run]) if search.proved]
    free = {search.theorem.name: len(shortest(search)) for search in searches}
    results = RunFolder.open(run).results()
    assert any(free[name] < len(results[name].tactics) for name in free), "a search by chance finds detours"
    minimise_run(run, tmp_path / "short", Bounds(expansions=0, lemmas=False), workers=1)
    after = RunFolder.open(tmp_path / "short").results()
    assert {name: len(result.tactics) for name, result in after.items()} == free
    assert all(result.messages[0].endswith("0 searches of 0 expansions in all, 0 steps") for result in after.values())


def test_a_run_that_was_stopped_is_continued_and_no_other_is_touched(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "short"
    whole = minimise_run(run, out, Bounds(expansions=10), workers=1).after
    lines = (out / "results.jsonl").read_text().splitlines(keepends=True)
    (out / "results.jsonl").write_text("".join(lines[:2]))
    again = minimise_run(run, out, Bounds(expansions=10), workers=1).after
    assert {name: result.tactics for name, result in again.items()} == {name: of.tactics for name, of in whole.items()}
    assert (out / "results.jsonl").read_text().startswith("".join(lines[:2]))
    with pytest.raises(RunFolderError, match="shorter proofs of another run; go on with: proofsearch minimise RUN"):
        resume_search(out)
    with pytest.raises(RunFolderError, match="holds another run than one of the shorter proofs of"):
        minimise_run(out, run)
    run_search(config(seed=5), tmp_path / "other")
    with pytest.raises(RunFolderError, match="choose another --out"):
        minimise_run(tmp_path / "other", out)


def test_further_proofs_are_kept_beside_the_shortest(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "short"
    minimise_run(run, out, Bounds(expansions=30, proofs=2), workers=1)
    folder = RunFolder.open(out)
    others = {file.name.partition("~")[0]: file.read_text() for file in (out / "proofs").glob("*~2.proof")}
    shorter = {name for name, result in folder.results().items() if len(result.tactics) < len(_before(run, name))}
    assert others.keys() == shorter != set()
    for name, other in others.items():
        assert len(folder.results()[name].tactics) < len(other.split("\n")) <= len(_before(run, name))
    assert not list((out / "proofs").glob("*~3*"))
    # Whoever deletes a result to have it made again loses them with it.
    lines = (out / "results.jsonl").read_text().splitlines(keepends=True)
    gone = sorted(shorter)[0]
    (out / "results.jsonl").write_text("".join(line for line in lines if f'"{gone}"' not in line))
    RunFolder.open(out, write=True).close()
    assert not (out / "proofs" / f"{gone}~2.proof").exists()


def _before(run: Path, name: str) -> tuple[str, ...]:
    return RunFolder.open(run).results()[name].tactics


def test_a_run_without_proofs_is_refused(tmp_path: Path) -> None:
    run_search(config(options={"fake": {"size": 4, "refuse": True}, "local": {"mode": "threads"}}), tmp_path / "run")
    with pytest.raises(UsageError, match="has proved nothing"):
        minimise_run(tmp_path / "run", tmp_path / "short")
    assert not (tmp_path / "short").exists()
