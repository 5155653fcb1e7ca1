"""``proofsearch evaluate`` from the command line: what is printed where, how wide, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from installing import Site

from proofsearch.cli.main import run

FAKE = ("--env", "fake", "--generator", "fake", "--local-mode", "threads", "--split", "all", "-q", "--fake-size", "40")


@pytest.fixture
def runs(
    fake_prover: Site,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Two runs, ``a`` by chance and ``b`` by small numbers, in the current folder; searched once, then copied."""
    searched = tmp_path_factory.getbasetemp() / "searched-for-evaluate"
    if not searched.exists():
        for scorer, name in (("random", "a"), ("small", "b")):
            command("search", *FAKE, "--scorer", scorer, "--out", str(searched / name))
    monkeypatch.chdir(shutil.copytree(searched, tmp_path / "here"))
    capsys.readouterr()


def command(*arguments: str) -> object:
    with pytest.raises(SystemExit) as exit_:
        run(list(arguments))
    return exit_.value.code


@pytest.mark.usefixtures("runs")
def test_tables_for_people_fit_100_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "a", "b", "--resamples", "200", "--details") == 0
    out, err = capsys.readouterr()
    assert max(map(len, out.splitlines())) <= 100
    assert "…" not in out, "something was cut off to fit"
    for text in ("40 of 40 theorems proved", "random", "log-prob − goals", "AUROC", "McNemar p", "ratio (interval)"):
        assert text in out
    assert "reading a" in err


@pytest.mark.usefixtures("runs")
def test_without_details_what_matters_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "a", "b", "--resamples", "200", "-q") == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 30
    for text in ("40 of 40 theorems proved", "100.0% (91.2–100.0)", "recorded values of", "McNemar p", "--details"):
        assert text in out
    assert len(re.findall(r"^ \d+ expansions", out, re.M)) == 1, "solved at the largest budget alone"
    assert "AUROC" not in out
    # Whoever has a value scored wants to see how it ranks.
    assert command("evaluate", "a", "--scorer", "small", "--resamples", "200", "-q") == 0
    assert "log-prob − goals" in capsys.readouterr().out


@pytest.mark.usefixtures("runs")
def test_what_is_piped_is_not_cut_at_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("plugins", "list") == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert max(map(len, out.splitlines())) > 100


@pytest.mark.usefixtures("runs")
def test_json_alone_is_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "a", "b", "--resamples", "200", "--json", "-q") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [one["run"] for one in found["runs"]] == ["a", "b"]
    assert (found["comparisons"][0]["first"], found["comparisons"][0]["second"]) == ("a", "b")
    assert err == ""


@pytest.mark.usefixtures("runs")
def test_options_of_an_offline_scorer_reach_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for options in (["--random-seed", "1"], ["--random-seed", "2"]):
        assert command("evaluate", "a", "--resamples", "200", "--json", "-q", "--scorer", "random", *options) == 0
        found.append(json.loads(capsys.readouterr().out)["runs"][0])
    assert [one["value_of"] for one in found] == ["random", "random"]
    assert found[0]["separation"]["value"] != found[1]["separation"]["value"]
    assert found[0]["separation"]["logprob"] == found[1]["separation"]["logprob"]


@pytest.mark.usefixtures("runs")
def test_random_values_that_shaped_a_search_are_not_called_better_than_chance(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The artefact as a user met it: a random scorer, put off or not, was "above chance" on its own run."""
    assert command("search", *FAKE, "--scorer", "random", "--defer", "4", "--out", "c") == 0
    capsys.readouterr()
    assert command("evaluate", "a", "b", "c", "--resamples", "200", "-q") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "above chance" not in out
    assert "value over random" not in out
    assert out.count("which its order chose") == 2
    assert "(scorer random, priority auto, defer 4)" in out
    assert "these very values ordered the run" in out


@pytest.mark.usefixtures("runs")
def test_plots_are_written_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "a", "b", "--resamples", "200", "--plots", "plots") == 0
    assert "wrote plots/solved-expansions.svg" in capsys.readouterr().err
    assert Path("plots/solved-seconds.svg").read_text().startswith("<?xml")
    Path("taken").write_text("")
    assert command("evaluate", "a", "--resamples", "200", "--plots", "taken") == 2
    assert "taken: a file is in the way" in capsys.readouterr().err


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 5, "nowhere: no such folder"),
        (["a", "--random-seed", "1"], 2, "--random-seed is an option of a scorer"),
        (["a", "--scorer", "smal"], 4, "no scorer is named 'smal'"),
        (["a", "--scorer", "small", "--random-seed", "1"], 2, "'random' is not chosen"),
        (["a", "--value-weight", "2"], 2, "--value-weight"),
        (["a", "--limit", "0"], 2, "--limit"),
    ],
)
def test_what_can_not_be_done_is_said(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", *arguments, "-q") == code
    assert message in capsys.readouterr().err


def test_help_imports_nothing_that_is_slow() -> None:
    program = (
        "import sys\nfrom proofsearch.cli.main import run\ntry:\n    run(['evaluate', '--help'])\n"
        "except SystemExit:\n    pass\nprint('|', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=True)
    imported = {name.partition(".")[0] for name in done.stdout.rpartition("|")[2].split()}
    assert not imported & {"pyarrow", "scipy", "matplotlib", "torch"}
