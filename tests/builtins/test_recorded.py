"""Proofs that are known from elsewhere, proposed again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from installing import Site
from pydantic import ValidationError

from proofsearch.builtins.recorded import RecordedConfig, RecordedGenerator, read_proofs
from proofsearch.config import RunConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.models.scripts import split_lines
from proofsearch.protocols import GenerationRequest
from proofsearch.runs.run import run_search
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.summary import check
from proofsearch.types import State, Theorem


def write(file: Path, *lines: object) -> Path:
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


def ask(generator: RecordedGenerator, theorem: str, n: int = 8) -> list[list[tuple[str, float]]]:
    (scripts,) = generator.propose_scripts([GenerationRequest(Theorem(theorem, ""), State("s", ()))], n)
    return [[(step.tactic, step.logprob) for step in script.steps] for script in scripts]


def test_a_file_has_the_proofs_of_theorems(tmp_path: Path) -> None:
    file = write(
        tmp_path / "proofs.jsonl",
        {"theorem": "one", "tactics": ["a", "b"], "prover": "another"},
        "",
        {"theorem": "two", "script": "c\nd\n"},
        {"theorem": "one", "tactics": ["e"]},
        {"theorem": "one", "tactics": ["a", "b"]},
    )
    proofs = read_proofs(file, split_lines)
    assert proofs == {"one": [("a", "b"), ("e",)], "two": [("c", "d")]}
    generator = RecordedGenerator(proofs)
    half = -math.log(2)
    assert ask(generator, "one") == [[("a", half), ("b", 0.0)], [("e", half)]]
    assert ask(generator, "one", 1) == [[("a", half), ("b", 0.0)]]
    assert ask(generator, "two") == [[("c", 0.0), ("d", 0.0)]]
    assert ask(generator, "unknown") == []
    assert generator.generate([GenerationRequest(Theorem("one", ""), State("s", ()))], 8) == [[]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "expected a JSON object"),
        ({"tactics": ["a"]}, "theorem is None"),
        ({"theorem": "t"}, "no tactics and no script"),
        ({"theorem": "t", "tactics": "a"}, "tactics is 'a'"),
        ({"theorem": "t", "tactics": ["a", 1]}, "expected tactics, a list of texts"),
        ({"theorem": "t", "tactics": []}, "without a tactic"),
        ({"theorem": "t", "script": " \n"}, "without a tactic"),
    ],
)
def test_a_line_that_is_no_proof_is_an_error_with_its_number(tmp_path: Path, line: Any, message: str) -> None:
    file = write(tmp_path / "proofs.jsonl", {"theorem": "fine", "tactics": ["a"]}, line)
    with pytest.raises(InputError, match=rf"proofs\.jsonl:2: .*{message}"):
        read_proofs(file, split_lines)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: can't be read"):
        read_proofs(tmp_path / "none.jsonl", split_lines)


def test_a_path_is_required() -> None:
    with pytest.raises(ValidationError, match="--recorded-path"):
        RecordedConfig()


def test_a_proof_of_an_earlier_run_is_replayed_recorded_and_checked(fake_prover: Site, tmp_path: Path) -> None:
    first = run_search(RunConfig(env="fake", generator="fake", execution={"workers": 1}), tmp_path / "first")
    proved = {name: result.tactics for name, result in first.results.items() if result.proved}
    assert proved
    again = run_search(
        RunConfig(
            env="fake",
            generator="recorded",
            search={"proposals": "scripts"},
            execution={"workers": 1},
            options={"recorded": {"path": str(tmp_path / "first")}},
        ),
        tmp_path / "again",
    )
    assert {name: result.tactics for name, result in again.results.items() if result.proved} == proved
    assert all(result.expansions == 1 for result in again.results.values() if result.proved)
    files = sorted((tmp_path / "again" / "trajectories").glob("*.parquet"))
    assert check(files) == []
    for search in read_searches(files):
        if search.proved:
            assert set(search.edges.script.values()) == {0}
            assert len(search.edges.script) == len(search.edges)
            assert search.expanded.tolist() == [True] + [False] * (search.num_nodes - 1)
            assert len(search.proof()) == len(proved[search.theorem.name])


def test_a_policy_without_scripts_is_refused_before_the_run_begins(fake_prover: Site, tmp_path: Path) -> None:
    config = RunConfig(env="fake", generator="fake", search={"proposals": "scripts"})
    with pytest.raises(UsageError, match=r"scripts: generator .fake. of plugin .* proposes no whole proofs"):
        run_search(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
