"""``proofsearch report`` from the command line: where it writes, what it says, and what it refuses."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from commands import Cli
from reports import unpacked

from proofsearch.cli.commands.report import _report
from proofsearch.evaluation.report import ReportSettings
from proofsearch.runs import RunFolder

FAKE = ("--env", "fake", "--generator", "fake", "--local-mode", "threads", "--split", "all", "-q", "--fake-size", "8")


@pytest.fixture
def run(cli: Cli) -> Path:
    """A small run in the current folder."""
    assert cli("search", *FAKE, "--out", "run").code == 0
    return Path("run")


def test_the_report_is_written_into_the_run_folder_which_stays_one(cli: Cli, run: Path) -> None:
    done = cli("report", run)
    assert done.code == 0
    assert done.out.startswith("wrote run/report.html (")
    assert "are not" not in done.out, "nothing is left out, so nothing is said of it"
    assert "computing intervals" in done.err
    assert len(unpacked(run / "report.html")["theorems"]["name"]) == 8
    assert cli("search", "--resume", run, "-q").code == 0
    assert len(RunFolder.open(run).results()) == 8
    assert (run / "report.html").is_file()


def test_options_choose_theorems_trees_and_intervals(cli: Cli, run: Path) -> None:
    options = ("--limit", "5", "--seed", "3", "--trees", "2", "--resamples", "150", "-q")
    done = cli("report", run, "--out", "elsewhere/a.html", *options)
    assert (done.code, done.err) == (0, "")
    assert "search trees of 2 theorems are in it, those of 3 are not; --trees N takes more" in done.out
    data = unpacked(Path("elsewhere/a.html"))
    assert len(data["theorems"]["name"]) == 5
    assert (data["evaluation"]["seed"], data["evaluation"]["resamples"]) == (3, 150)
    shown = {tree["theorem"] for tree in data["trees"]}
    other = next(name for name in data["theorems"]["name"] if name not in shown)
    assert cli("report", run, "--out", "elsewhere/a.html", *options, "--overwrite", "--theorem", other).code == 0
    assert {tree["theorem"] for tree in unpacked(Path("elsewhere/a.html"))["trees"]} == shown | {other}
    assert cli("report", run, "--split", "test", "-q").code == 0
    assert set(unpacked(run / "report.html")["theorems"]["split"]) == {"test"}


def test_defaults_on_the_command_line_are_those_of_the_settings() -> None:
    # They are repeated there, so that --help imports no numpy.
    parameters = inspect.signature(_report).parameters
    settings = ReportSettings()
    assert parameters["trees"].default == settings.trees
    assert parameters["resamples"].default == settings.evaluation.resamples
    assert parameters["seed"].default == settings.evaluation.seed


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 5, "nowhere: no such folder"),
        (["run", "--theorem", "reach-99"], 2, "--theorem reach-99: no run has a result of this theorem"),
        (["run", "--trees", "-1"], 2, "--trees"),
        (["run", "--out", "run"], 2, "run: a folder is in the way"),
        (["run", "--out", "run/config.toml"], 2, "run/config.toml: is read by this command"),
        (["run", "--out", "run/config.toml/a.html"], 8, "run/config.toml/a.html: can't be written: Not a directory"),
    ],
)
def test_what_can_not_be_done_is_said(arguments: list[str], code: int, message: str, cli: Cli, run: Path) -> None:
    done = cli("report", *arguments, "-q")
    assert done.code == code
    assert message in done.err
    assert not (run / "report.html").exists()
