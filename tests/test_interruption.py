"""Being asked to stop: every signal is as good as Ctrl-C, and workers leave it to their parent."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofsearch.interruption import SIGNALS, Interruption, ending_signals, exit_code

GUARD = 600.0
"""Seconds that only a hang reaches."""


@pytest.fixture(params=SIGNALS)
def one(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """One of the signals, with its usual handler; it ends as it was."""
    number: signal.Signals = request.param
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    yield number
    signal.signal(number, before)


def test_all_three_are_there() -> None:
    assert [number.name for number in SIGNALS] == ["SIGINT", "SIGTERM", "SIGHUP"]


def test_the_command_line_is_interrupted_by_each_and_says_which(one: signal.Signals) -> None:
    with ending_signals(), pytest.raises(KeyboardInterrupt), Interruption() as first:
        signal.raise_signal(one)
        assert first.requested, "the first waits for the step to be done"
        assert exit_code() == 128 + one
        signal.raise_signal(one)
    assert signal.getsignal(one) is (signal.default_int_handler if one == signal.SIGINT else signal.SIG_DFL)


def test_a_training_outside_of_the_command_line_sees_each(one: signal.Signals) -> None:
    with Interruption() as interruption:
        assert not interruption.requested
        signal.raise_signal(one)
        assert interruption.requested


def test_what_is_ignored_stays_ignored(one: signal.Signals) -> None:
    # nohup ignores SIGHUP, and a shell ignores Ctrl-C for what it runs in the background.
    signal.signal(one, signal.SIG_IGN)
    with ending_signals(), Interruption() as interruption:
        signal.raise_signal(one)
        assert not interruption.requested
    assert signal.getsignal(one) is signal.SIG_IGN


def test_with_its_terminal_gone_a_training_still_saves(tmp_path: Path) -> None:
    # The bar is drawn again after the terminal has gone and before the work is saved: that must not fail.
    saved, begun = tmp_path / "saved", tmp_path / "begun"
    script = textwrap.dedent(f"""
        import pathlib, sys, time
        from proofsearch.interruption import Interruption, ending_signals
        with ending_signals(), Interruption() as interruption:
            pathlib.Path({str(begun)!r}).touch()
            while not interruption.requested:
                time.sleep(0.01)
            print("a step", file=sys.stderr, flush=True)
            pathlib.Path({str(saved)!r}).touch()
    """)
    main, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    try:
        os.close(terminal)
        _wait_until(begun.exists)
        os.close(main)
        process.send_signal(signal.SIGHUP)
        assert process.wait(GUARD) == 0
    finally:
        process.kill()
        process.wait()
    assert saved.exists()


def test_a_worker_takes_no_notice_and_dies_with_its_parent(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    worker = textwrap.dedent(f"""
        import os, pathlib, signal, subprocess, sys, time
        from proofsearch.interruption import SIGNALS, leave_to_parent
        leave_to_parent(os.getppid())
        for number in SIGNALS:
            signal.raise_signal(number)
        # What it starts is not immune: handlers don't outlive an exec.
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        child.terminate()
        child.wait()
        file = pathlib.Path({str(pid)!r})
        file.with_suffix(".part").write_text(str(os.getpid()))
        file.with_suffix(".part").rename(file)
        time.sleep(600)
    """)
    parent = textwrap.dedent(f"""
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", {worker!r}]).wait()
    """)
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        _wait_until(pid.exists)
    finally:
        process.kill()
        process.wait()
    _wait_until(lambda: _gone(int(pid.read_text())))


def _wait_until(met: object) -> None:
    assert callable(met)
    end = time.monotonic() + GUARD
    while not met():
        assert time.monotonic() < end, "never happened"
        time.sleep(0.02)


def _gone(pid: int) -> bool:
    try:
        # A zombie counts as gone: who reaps it is not ours.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_command_does_not_end_with_the_signal_of_the_one_before() -> None:
    """Catches the code of SIGHUP for a Ctrl-C, in a process that runs several commands."""
    with pytest.raises(KeyboardInterrupt), ending_signals():
        signal.raise_signal(signal.SIGTERM)
    assert exit_code() == 143
    with pytest.raises(KeyboardInterrupt), ending_signals():
        raise KeyboardInterrupt
    assert exit_code() == 130
