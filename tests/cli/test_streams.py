"""Every command on every kind of stream: what it prints is clean and whole, or the exit code says that it isn't."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Cli
from installing import Site
from loudprover import EVIL, LONG

from proofsearch.errors import StorageError
from proofsearch.runs import RunFolder

LOUD = ("--env", "loud", "--generator", "fake", "--scorer", "loud", "--max-expansions", "40")
SEARCH = ("search", "reach-0", "reach-1", *LOUD, "--workers", "1", "--out", "new")

COMMANDS = {
    "help": ("--help",),
    "version": ("--version",),
    "help of a command": ("search", "--help"),
    "search": SEARCH,
    "search, JSON": (*SEARCH, "--json"),
    "search, threads": (*SEARCH, "--local-mode", "threads"),
    "theorems": ("theorems", "--env", "loud"),
    "verify": ("verify", "run"),
    "evaluate": ("evaluate", "run", "run", "--resamples", "100", "--details"),
    "report": ("report", "run"),
    "summary": ("trajectories", "summary", "run"),
    "head": ("trajectories", "head", "run"),
    "check": ("trajectories", "check", "run"),
    "merge": ("trajectories", "merge", "run", "--out", "all.parquet"),
    "merge of runs": ("runs", "merge", "run", "--out", "merged"),
    "plugins": ("plugins", "list"),
    "a check": ("plugins", "check", "loud", "--kind", "scorer", "--only", "order kept"),
    "a new plugin": ("plugins", "new", "mine", "--kind", "scorer"),
    "doctor": ("doctor", "loud"),
    "cache": ("cache", "info"),
    "a wrong name": ("theorems", "nowhere", "--env", "loud"),
    "a wrong option": ("search", "--nonsense"),
    "a plugin's command": ("metamath", "--help"),
}
"""What is tried everywhere, from a folder that holds a run."""

OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202e]")
"""What moves a cursor, or turns text around."""

FAILING = {"a wrong name": 2, "a wrong option": 2}


@pytest.fixture
def place(fake_prover: Site, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of the loud prover, made once."""
    fake_prover.install("loud-prover", {"loud": "loudprover"})
    kept = tmp_path_factory.getbasetemp() / "loud-run"
    if not kept.exists():
        done = run(tmp_path, "search", "reach-0", EVIL, LONG, *LOUD, "--workers", "1", "--out", str(kept))
        assert done.returncode == 0, done.stderr
    shutil.copytree(kept, tmp_path / "here" / "run", dirs_exist_ok=True)
    return tmp_path / "here"


def run(folder: Path, *arguments: str, shell: str = '"$@"', **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the installed command with its streams as a shell makes them."""
    return subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-m", "proofsearch", *arguments],
        cwd=folder,
        env=os.environ | {"COLUMNS": "150", "PYTHONIOENCODING": "utf-8"} | variables,
        capture_output=True,
        timeout=600,
        check=False,
    )


def is_done(name: str, folder: Path) -> bool:
    """Whether a command left what it is for."""
    if name.startswith("search"):
        results = RunFolder.open(folder / "new").results()
        return {result.proved for result in results.values()} == {True} and len(results) == 2
    made = {
        "report": "run/report.html",
        "merge": "all.parquet",
        "merge of runs": "merged/run.json",
        "a new plugin": "proofsearch-mine/README.md",
    }
    return name not in made or (folder / made[name]).is_file()


LOST = StorageError.exit_code

STREAMS = {
    "ASCII": ("ascii", '"$@"', 0),
    "cp1252, closed errors": ("cp1252", '"$@" <&- 2>&-', 0),
    "nobody reads": ("utf-8", '"$@" 2>&1 | true; exit ${PIPESTATUS[0]}', 0),
    "closed output": ("latin-1", '"$@" >&-', LOST),
    "full output": ("ascii", '"$@" >/dev/full', LOST),
    "both full": ("utf-8", '"$@" >/dev/full 2>&1', LOST),
}
"""By name the encoding, what a shell makes of the streams, and what a command that succeeds then exits with."""


VARIED = ("help", "search, JSON", "theorems", "a new plugin", "a wrong name")
"""Commands that are tried on every stream: each way to print, of few lines and of many, and to fail.

The others print in one of these ways, see ``test_commands_print_in_one_way``, and are tried where all gets through.
"""

PAIRS = [(stream, name) for stream in STREAMS for name in COMMANDS if stream == "ASCII" or name in VARIED]


@pytest.mark.parametrize(("stream", "name"), PAIRS)
def test_no_stream_ends_a_command_or_is_spoilt(place: Path, name: str, stream: str) -> None:
    encoding, shell, code = STREAMS[stream]
    done = run(place, *COMMANDS[name], shell=shell, PYTHONIOENCODING=encoding)
    # What was wrong is said by the code before what could not be printed.
    assert done.returncode == FAILING.get(name, code), done.stderr
    assert is_done(name, place)
    out, err = done.stdout.decode(encoding), done.stderr.decode(encoding, "replace")
    assert "Traceback" not in err
    for text in (out, "" if name == "a wrong option" else err):  # what was typed comes back as it was
        assert not OBEYED.search(text)
    if stream in ("closed output", "full output") and name not in FAILING:
        assert "standard output can't be written" in err
    if stream in ("ASCII", "cp1252, closed errors"):
        assert_clean(name, out)


def assert_clean(name: str, out: str) -> None:
    """Results are whole, and nothing else is among them."""
    assert "printed" not in out
    assert bool(out) == (name not in FAILING)
    if "JSON" in name:
        assert json.loads(out)["proved"] == 2
    if name == "head":
        assert len([json.loads(line) for line in out.splitlines()]) > 2
    if name == "theorems":
        assert len(out.splitlines()) == 22
        assert r"evil\x1b[2J\x1b]0;owned\x07\x0d\u202e\nproved" + "\ttest\t6 is 0" in out


@pytest.mark.parametrize("mode", ["processes", "threads"])
def test_what_components_print_goes_to_standard_error(place: Path, mode: str) -> None:
    done = run(place, *SEARCH, "--local-mode", mode, "--json", "-q")
    assert json.loads(done.stdout)["proved"] == 2
    for what in (
        "as it was imported",
        "as it registered",
        "as it was made",
        "as it scored, by a library",
        "by a program",
    ):
        assert f"printed {what}".encode() in done.stderr, what


def test_names_that_no_file_can_have_are_shortened(place: Path) -> None:
    opened = RunFolder.open(place / "run")
    assert opened.results()[LONG].proved
    assert opened.proof(LONG)
    for arguments in (("verify", "run"), ("report", "run", "--theorem", LONG, "--out", "long.html")):
        assert run(place, *arguments).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", LONG),
        ("search", "--config", LONG),
        ("search", "--file", LONG),
        ("search", "--resume", LONG),
        ("search", *LOUD, "--out", LONG),
        ("evaluate", LONG),
        ("report", LONG),
        ("report", "run", "--out", LONG),
        ("trajectories", "check", LONG),
        ("trajectories", "merge", "run", "--out", LONG),
        ("train", "--trajectories", LONG, "--plugin", "ebm"),
        ("train", "--resume", "--out", LONG),
        ("iterate", "--resume", LONG),
        ("plugins", "new", "mine", "--kind", "scorer", "--out", LONG),
        ("metamath", "check", LONG),
        ("metamath", "show", "idi", "--proof", LONG),
        ("metamath", "splice", LONG, "--out", "out.mm"),
    ],
    ids=lambda arguments: " ".join(arguments)[:24],
)
def test_a_path_that_no_file_can_have_is_said_in_a_line(cli: Cli, place: Path, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.code in (1, 2, 3, 5, 8)
    assert "Traceback" not in done.err
    assert "File name too long" in done.err


def test_commands_print_in_one_way() -> None:
    """Would catch a command that prints around what makes text harmless and keeps results apart."""
    root = Path(__file__).parents[2]
    commands = [
        *root.glob("src/proofsearch/cli/**/*.py"),
        *root.glob("plugins/*/src/*/commands.py"),
        *root.glob("plugins/*/src/*/commands/*.py"),
    ]
    assert len(commands) > 20
    found = [
        f"{file.name}:{node.lineno}"
        for file in commands
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "typer.echo", "typer.secho", "click.echo")
    ]
    assert not found
