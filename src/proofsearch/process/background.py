"""A function at work in a process of its own, whose memory and time this process doesn't pay for."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

_PROGRAM = """
import sys
sys.path[:] = sys.argv[1:]
from proofsearch.process.background import answer
answer()
"""
"""``-c`` rather than ``multiprocessing``'s spawn, which would run the user's script once more."""


class UnansweredError(Exception):
    """The process ended without an answer, as one that was killed does."""


class BackgroundCall(Generic[Result]):
    """A call of a function, begun at once in a fresh process.

    Ctrl-C in the terminal does not reach the process. It outlives this one if this one is killed: what it does must be
    harmless then.

    Args:
        function: defined at the top of an importable module.
        arguments: what it is given; they are pickled, and so is what it returns or raises.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, function: Callable[..., Result], *arguments: object) -> None:
        # Files rather than pipes, so that neither side ever waits for the other to read.
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as question:
            pickle.dump((function, arguments), question)
            question.seek(0)
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, *sys.path],
                stdin=question,
                stdout=self._answer,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def ended(self) -> bool:
        """Whether there is an answer, or never will be; does not wait."""
        return self._process.poll() is not None

    def result(self) -> Result:
        """Waits for what the function returns.

        Raises:
            UnansweredError: the process ended without an answer.
            Exception: what the function raised.
        """
        code = self._process.wait()
        with self._answer:
            self._answer.seek(0)
            try:
                returned, result = pickle.load(self._answer)  # noqa: S301 - our own process wrote it
            except Exception as error:
                raise UnansweredError(f"the process ended with exit code {code} and without an answer") from error
        if returned:
            return result  # type: ignore[no-any-return]
        raise result

    def cancel(self) -> None:
        """Kills the process and waits for its end; what it was doing stays half done. Idempotent."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._answer.close()


def answer() -> None:
    """The process's own work: calls what stands on standard input, and leaves the answer on standard output."""
    function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    with os.fdopen(os.dup(1), "wb") as stream:
        os.dup2(2, 1)  # what the function prints is no answer
        said: tuple[bool, object]
        try:
            said = True, function(*arguments)
        except Exception as error:
            said = False, error
        pickle.dump(said, stream)
