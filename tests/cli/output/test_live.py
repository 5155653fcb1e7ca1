"""What a terminal shows while searches run."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from installing import Site
from rich.console import Console

from proofsearch.cli.output.live import LiveSearches
from proofsearch.cli.output.run import Bars, Lines, Silence, display
from proofsearch.protocols.events import Glimpse
from proofsearch.runs import RunFolder

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def drawn(searches: LiveSearches, width: int = 60, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    with console.capture() as capture:
        console.print(searches)
    return [line.rstrip() for line in capture.get().splitlines()]


def glimpse(theorem: str = "ax-mp", text: str = "|- p", value: float | None = -1.25) -> Glimpse:
    return Glimpse(theorem, 35, 4, 2, value, text)


def test_a_search_is_shown_with_its_best_state_until_it_ends() -> None:
    searches = LiveSearches()
    searches.see(glimpse("other"))
    searches.see(glimpse())
    searches.see(glimpse(text="|- q"))
    searches.forget("other")
    searches.forget("never seen")
    assert drawn(searches) == ["ax-mp: 35 expanded, now at depth 4 with 2 goals, value -1.25", "  |- q"]
    searches.forget("ax-mp")
    assert drawn(searches) == []


def test_what_has_no_value_shows_none() -> None:
    searches = LiveSearches()
    searches.see(glimpse(value=None))
    assert drawn(searches)[0].endswith("with 2 goals")


def test_what_the_prover_uses_is_shown_where_it_says() -> None:
    searches = LiveSearches()
    searches.see(dataclasses.replace(glimpse(), memory=1_234_567_890))
    assert drawn(searches, width=100)[0].endswith("value -1.25, prover 1,235 MB")


def test_a_state_is_text_and_takes_one_line() -> None:
    searches = LiveSearches()
    searches.see(glimpse(text="[bold]x[/bold] [/] \x1b[31m :smile: " + "y" * 100))
    lines = drawn(searches, width=40)
    assert len(lines) == 2
    assert lines[1].startswith("  [bold]x[/bold] [/]")
    assert ":smile:" in lines[1]
    assert lines[1].endswith("…")
    assert "\x1b" not in lines[1]
    assert all(len(line) <= 40 for line in lines)


def test_no_more_is_shown_than_the_terminal_has_room_for() -> None:
    searches = LiveSearches()
    for number in range(30):
        searches.see(glimpse(f"t{number}"))
    lines = drawn(searches, width=80, height=20)
    assert len(lines) <= 20 - 5
    assert lines[-1] == "… and 25 more"
    assert len(drawn(searches, width=80, height=5)) == 3


@pytest.mark.parametrize(
    ("quiet", "terminal", "expected"),
    [(True, True, Silence), (True, False, Silence), (False, True, Bars), (False, False, Lines)],
)
def test_what_is_shown_is_for_a_terminal_a_log_or_nobody(
    quiet: bool, terminal: bool, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    shown = display(quiet)
    assert type(shown) is expected
    assert shown.live == (expected is Bars), "what nobody sees is not asked for"


def test_on_a_terminal_searches_are_seen_and_ctrl_c_ends_them(fake_prover: Site, tmp_path: Path) -> None:
    """The whole way: from workers in other processes to the screen, and the screen as it was at the end."""
    path = tmp_path / "run"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
    arguments = ["--env", "fake", "--generator", "fake", "--scorer", "small", "--workers", "2", "--split", "all"]
    process = subprocess.Popen(
        [sys.executable, "-m", "proofsearch", "search", *arguments, "--fake-delay", "0.05", "--out", path],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    wanted = re.compile(rb"reach-\d+.*?: \d+ expanded, now at depth \d+ with 1 goal.*?\d+ is 0", re.S)
    # A terminal's end is an error to whoever reads it.
    with contextlib.suppress(OSError):
        while wanted.search(shown) is None:
            shown += os.read(ours, 65536)
        # As the terminal does: to the whole process group.
        os.killpg(process.pid, signal.SIGINT)
        while rest := os.read(ours, 65536):
            shown += rest
    os.close(ours)
    assert process.wait(timeout=600) == 130
    text = shown.decode()
    assert wanted.search(shown) is not None, text
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert re.search(r"searching .*\d+/20 \d+ proved", plain)
    assert f"proofsearch search --resume {path}" in text
    assert "Traceback" not in text
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR) >= 0
    # The run can be gone on with.
    assert len(RunFolder.open(path).theorems) == 20
