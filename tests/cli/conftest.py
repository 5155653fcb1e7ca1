"""The command line, run in the test's own process."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Cli, Done
from installing import Site

from proofsearch.cli.main import run


@pytest.fixture
def cli(fake_prover: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs commands in an empty folder, with the test prover installed."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    # Wide enough that no message is broken in the middle of what a test looks for.
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")

    def command(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as exit_:
            run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(exit_.value.code, captured.out, captured.err)

    return command
