"""Running a program to its end, in bounds, so that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

MOST_OUTPUT = 64 * 1024 * 1024
"""Bytes that a program may write before it is ended; proofs can be made to write for ever."""

_END = 5.0
"""Seconds in which what was killed has to be gone."""

# It leads the group that the program runs in, and waits for the end of a pipe whose other end only this process holds.
# When that comes, because we close it or because we die, however we do, the whole group is killed.
_GUARD = ("/bin/sh", "-c", "read _; kill -s KILL 0")

_WITHIN = ("/bin/sh", "-c", 'ulimit -v "$1" && shift && exec "$@"', "sh")
"""Followed by kilobytes and a command: runs it in so much address space."""


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

    def last_words(self, most: int = 400) -> str:
        """The end of what it said, on one line."""
        return " ".join(f"{self.output} {self.errors}".split())[-most:]


def _started(words: Sequence[str], folder: Path, group: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """The program, under way in a process group that exists."""
    return subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=group,
    )


def run_command(
    words: Sequence[str],
    folder: Path,
    timeout: float,
    environment: Mapping[str, str] | None = None,
    most: int = MOST_OUTPUT,
    max_memory: int | None = None,
) -> Ended:
    """Runs a program without input and waits for its end.

    Args:
        words: the program and its arguments.
        folder: where it runs.
        timeout: seconds after which it is killed with all that it started in its process group.
        environment: variables that are set besides this process's own.
        most: bytes of output, and of errors, after which it is killed.
        max_memory: bytes of address space that it may have; ``None``: no bound.

    Raises:
        OSError: the folder isn't there, or the program can't be started.
    """
    if max_memory is not None:
        if shutil.which(words[0]) is None:  # the shell would only say so
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
        words = [*_WITHIN, str(max_memory // 1024), *words]
    guard = subprocess.Popen(
        _GUARD, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
    )
    assert guard.stdin
    try:
        process = _started(words, folder, guard.pid, {**os.environ, **(environment or {})})
    except BaseException:
        guard.stdin.close()
        guard.wait()
        raise
    assert process.stdout and process.stderr
    too_much = threading.Event()
    kept: tuple[list[bytes], list[bytes]] = [], []
    readers = [
        threading.Thread(target=_keep, args=(stream, parts, most, guard.pid, too_much), daemon=True)
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
        # Not yet waited for, it keeps its number, which is the group's.
        _kill(guard.pid)
        guard.stdin.close()
        process.wait()
        guard.wait()
        until = time.monotonic() + _END
        for reader in readers:
            reader.join(max(0.0, until - time.monotonic()))
    output, errors = (b"".join(parts).decode(errors="replace") for parts in kept)
    return Ended(process.returncode, output, errors, "output" if too_much.is_set() else stopped)


def _keep(stream: IO[bytes], parts: list[bytes], most: int, group: int, too_much: threading.Event) -> None:
    with stream:
        left = most
        while block := os.read(stream.fileno(), 1 << 16):
            if left <= 0:
                too_much.set()
                _kill(group)
                return
            parts.append(block[:left])
            left -= len(block)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
