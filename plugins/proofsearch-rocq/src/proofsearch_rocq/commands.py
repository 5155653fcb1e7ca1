"""Running a program to its end, in bounds, so that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

MOST_OUTPUT = 64 << 20
"""Bytes that a program may write before it is ended; tactics can be made to write for ever."""

_END = 5.0
"""Seconds in which what was killed has to be gone."""

# The first process of the group becomes the program. Another one waits for the end of a pipe whose other end only this
# process holds: when it dies, however it does, the whole group is killed.
_GUARD = (
    '{ cat <&"$1" >/dev/null 2>&1; kill -s KILL -- "-$$"; } >/dev/null 2>&1 </dev/null & '
    'ulimit -v "$2"; shift 2; exec "$@" </dev/null'
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a program.

    Attributes:
        code: its exit code; negative for a signal, as :mod:`subprocess` has it.
        output: what it wrote to its standard output.
        errors: what it wrote to its standard error.
        stopped: whether it was ended by us: for its ``"time"`` or its ``"output"``; else ``""``.
    """

    code: int
    output: str
    errors: str
    stopped: Literal["", "time", "output"] = ""

    def last_words(self, most: int = 600) -> str:
        """The end of what it said, on one line; of its errors where there are any."""
        return " ".join((self.errors or self.output).split())[-most:]


def run_command(words: Sequence[str], folder: Path, timeout: float, max_memory: int) -> Ended:
    """Runs a program without input and waits for its end.

    Args:
        words: the program and its arguments.
        folder: where it runs.
        timeout: seconds after which it is killed with all that it started in its process group.
        max_memory: its address space in bytes.

    Raises:
        OSError: the folder isn't there, or the program can't be started.
    """
    watched, held = os.pipe()
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(watched), str(max_memory // 1024), *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(watched,),
            start_new_session=True,
        )
    except BaseException:
        os.close(watched)
        os.close(held)
        raise
    os.close(watched)
    assert process.stdout and process.stderr
    too_much = threading.Event()
    kept: tuple[list[bytes], list[bytes]] = [], []
    readers = [
        threading.Thread(target=_keep, args=(stream, parts, process.pid, too_much), daemon=True)
        for stream, parts in zip((process.stdout, process.stderr), kept, strict=True)
    ]
    stopped: Literal["", "time", "output"] = ""
    try:
        for reader in readers:
            reader.start()
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        stopped = "time"
    finally:
        _kill(process.pid)
        os.close(held)
        process.wait()
        until = time.monotonic() + _END
        for reader in readers:
            reader.join(max(0.0, until - time.monotonic()))
    output, errors = (b"".join(parts).decode(errors="replace") for parts in kept)
    return Ended(process.returncode, output, errors, "output" if too_much.is_set() else stopped)


def _keep(stream: IO[bytes], parts: list[bytes], group: int, too_much: threading.Event) -> None:
    with stream:
        left = MOST_OUTPUT
        while block := stream.read1(1 << 16):  # type: ignore[attr-defined]
            if left <= 0:
                too_much.set()
                _kill(group)
                return
            parts.append(block[:left])
            left -= len(block)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
