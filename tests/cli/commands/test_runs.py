"""``proofsearch runs`` and ``search --shard``: what a person says and sees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import Cli

from proofsearch.runs import RunFolder

FAKE = ("--env", "fake", "--generator", "fake", "--local-mode", "threads", "--split", "all", "-q")


@pytest.fixture
def parts(cli: Cli) -> list[str]:
    """Two shards of three."""
    for number in (1, 2):
        done = cli("search", *FAKE, "--shard", f"{number}/3", "--out", f"part-{number}")
        assert done.code == 0, done.err
    return ["part-1", "part-2"]


def test_a_shard_is_searched_and_resumed_as_it_is(cli: Cli) -> None:
    done = cli("search", *FAKE[:-1], "--shard", "3/3", "--out", "part")
    assert done.code == 0, done.err
    assert "searching 6 theorems (shard 3/3); the run is kept in part" in done.err
    run = RunFolder.open(Path("part"))
    assert (run.config.select.shard, len(run.theorems)) == ("3/3", 6)
    done = cli("search", "--resume", "part", "--shard", "1/3")
    assert done.code == 2
    assert "--resume continues a run with its own settings and can't be combined with --shard" in done.err
    assert cli("search", "--resume", "part").out.startswith("proved 6 of 6 theorems")


def test_a_wrong_shard_is_named_by_its_option(cli: Cli) -> None:
    for said, message in (("0/3", "numbered from 1 to 3, found '0'"), ("third", "expected I/N, such as 3/16")):
        done = cli("search", *FAKE, "--shard", said)
        assert done.code == 2
        assert "--shard" in done.err
        assert message in done.err


def test_runs_are_merged_and_what_is_missing_is_said(cli: Cli, parts: list[str]) -> None:
    done = cli("runs", "merge", *parts, "--out", "some", "-q")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "some: 14 theorems of 2 runs, 14 proved",
        "missing: the shard 3/3, with 6 theorems; search it with --shard and the options of the others, and merge "
        "again",
    ]
    assert cli("search", *FAKE, "--shard", "3/3", "--out", "part-3").code == 0
    results = Path("part-3/results.jsonl")
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:-1]))
    done = cli("runs", "merge", *parts, "part-3", "part-1", "--out", "whole")
    assert done.out.splitlines()[:2] == [
        "whole: 20 theorems of 4 runs, 19 proved",
        "7 results stood in several of the runs, and were equal",
    ]
    assert done.out.splitlines()[2].endswith("; complete the run with: proofsearch search --resume whole")
    assert cli("search", "--resume", "whole", "-q").out.startswith("proved 20 of 20 theorems")
    for command in (("evaluate", "whole", "--resamples", "100", "-q"), ("report", "whole", "-q"), ("verify", "whole")):
        done = cli(*command)
        assert done.code == 0, done.err


def test_the_result_as_json(cli: Cli, parts: list[str]) -> None:
    done = cli("runs", "merge", *parts, "--out", "some", "--json")
    assert json.loads(done.out) == {
        "path": "some",
        "runs": 2,
        "theorems": 14,
        "proved": 14,
        "repeated": 0,
        "unsearched": [],
        "missing": "3/3",
        "absent": 6,
        "notes": [],
    }


def test_runs_that_cant_be_merged_are_named(cli: Cli, parts: list[str]) -> None:
    cli("search", *FAKE, "--seed", "1", "--shard", "3/3", "--out", "other")
    done = cli("runs", "merge", *parts, "other", "--out", "whole")
    assert (done.code, done.out) == (5, "")
    assert "error: other: seed is 1, and 0 in part-1; only runs that differ in nothing but their shard" in done.err
    assert not Path("whole").exists()
    shutil.rmtree("other")
    assert cli("runs", "merge", *parts, "other", "--out", "whole").code == 5
    assert cli("runs", "merge", "--out", "whole").code == 2


def test_the_group_shows_its_commands(cli: Cli) -> None:
    done = cli("runs", "--help")
    assert done.code == 0
    assert "merge" in done.out
