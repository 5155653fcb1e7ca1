"""A prover's process: bytes to it and from it, with deadlines; interrupting and killing it."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from proofsearch.process.recovery import LostError
from proofsearch.process.usage import family
from proofsearch.protocols import Usage

_END = 5.0
"""Seconds that a process has to be gone after it was killed."""

_MOST = 64 << 20
"""Bytes that an answer has at most; a prover that says more is killed."""

_CHUNK = 1 << 16


class DeadlineError(Exception):
    """No answer came in time."""


class ProverProcess:
    """A prover that was started, in a session of its own: signals from a terminal are for the search.

    It ends with its input, so nothing of it outlives us.

    Args:
        command: the program with its arguments.
        folder: where it is started.
        max_memory: its address space in bytes.

    Raises:
        LostError: it can't be started.
    """

    def __init__(self, command: Sequence[str], folder: Path, max_memory: int) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._buffer = bytearray()
        self._searched = 0
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise LostError(f"{command[0]} can't be started: {error.strerror}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(self.pid, resource.RLIMIT_AS, (max_memory, max_memory))

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def usage(self) -> Usage:
        """What it and its children use."""
        return Usage(*family(self.pid)) if self._process.returncode is None else Usage()

    def running(self) -> psutil.Process | None:
        """The process to the system; ``None`` where it has ended."""
        try:
            return psutil.Process(self.pid) if self._process.returncode is None else None
        except psutil.Error:
            return None

    def send(self, data: bytes, until: float) -> None:
        """Writes all of it, and reads what comes meanwhile, so that neither side waits for the other.

        Args:
            data: what to write.
            until: when to give up, by the monotonic clock.

        Raises:
            LostError: the process is gone.
            DeadlineError: it takes nothing.
        """
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._input, left) :]
            except BlockingIOError:
                self._wait(until, write=True)
            except OSError:
                raise LostError(self._last_words()) from None

    def receive(self, delimiter: bytes, until: float) -> bytes:
        """What came up to and with a delimiter.

        Raises:
            LostError: the process is gone, or said too much.
            DeadlineError: it didn't come in time; what came is kept.
        """
        buffer = self._buffer
        while (found := buffer.find(delimiter, self._searched)) < 0:
            self._searched = max(0, len(buffer) - len(delimiter) + 1)
            self._wait(until)
        end = found + len(delimiter)
        taken = bytes(buffer[:end])
        del buffer[:end]
        self._searched = 0
        return taken

    def receive_exactly(self, size: int, until: float) -> bytes:
        """The next bytes, so many; raises what :meth:`receive` raises."""
        while len(self._buffer) < size:
            self._wait(until)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._searched = 0
        return taken

    def _wait(self, until: float, write: bool = False) -> None:
        """Waits until something came, or can be written, and takes in what came."""
        if self._take_in():
            return
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        if write:
            poll.register(self._input, select.POLLOUT)
        seconds = until - time.monotonic()
        if seconds <= 0 or not poll.poll(1 + int(1000 * seconds)):
            raise DeadlineError
        self._take_in()

    def _take_in(self) -> bool:
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            raise LostError(self._last_words())
        self._buffer += data
        if len(self._buffer) > _MOST:
            self.kill()
            raise LostError(f"it said more than {_MOST >> 20} MB at once")
        return True

    def _last_words(self) -> str:
        """How it ended, and what it wrote to its standard error last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        code = self._process.returncode
        how = "it ended" if code is None or code >= 0 else f"it was ended by {_signal_name(-code)}"
        said = b""
        with contextlib.suppress(OSError, ValueError):
            size = self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, size - 600))
            said = self._errors.read()
        words = " ".join(said.decode(errors="replace").split())
        return f"{how}; it said: {words}" if words else how

    def interrupt(self) -> None:
        """Sends SIGINT. Only while it is at work on something: an idle one would end."""
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kills it and what it started. From any thread; several calls do no harm."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kills it and waits for its end. Idempotent."""
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
