"""What a training shows: what it is at, also before its first step."""

from __future__ import annotations

import sys
from typing import Any, Self

import pytest

from proofsearch.cli.output import training as training_output
from proofsearch.cli.output.training import TrainingDisplay
from proofsearch.protocols import TrainingReport
from proofsearch.protocols.events import Preparing, Progressed


class Shown:
    """A display, or a bar, that notes what it is shown."""

    def __init__(self, name: str, seen: list[tuple[str, Any]]) -> None:
        self.name, self.seen = name, seen

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.seen.append((self.name, "closed"))

    def show(self, event: object) -> None:
        self.seen.append((self.name, event))


def test_until_the_first_step_there_is_what_it_is_at_and_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # A bar at 0 of 2000 stood there for minutes, and hid that searches were read and encoded.
    seen: list[tuple[str, Any]] = []
    monkeypatch.setattr(training_output, "display", lambda quiet: Shown("phase", seen))
    monkeypatch.setattr(training_output, "_Bar", lambda: Shown("bar", seen))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    read, first = Preparing("reading and encoding recorded searches", 7), TrainingReport(1, 2000, {"loss": 0.5})
    with TrainingDisplay(quiet=False) as shown:
        shown.show(Progressed(TrainingReport(0, 2000, {}, ["resumed"])))
        shown.show(read)
        shown.show(Progressed(TrainingReport(0, 2000, {}, ["4 searches of theorems of the test split left out"])))
        shown.show(Progressed(first))
    assert seen == [("phase", read), ("phase", "closed"), ("bar", first), ("bar", "closed")]
    assert capsys.readouterr().err.splitlines() == ["resumed", "4 searches of theorems of the test split left out"]
