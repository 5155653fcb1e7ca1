"""A worker in a process of its own, from the parent's side.

The process is started afresh (never forked: the parent may have threads) in a session of its own, so that Ctrl-C in
the terminal does not reach it and that it can be killed together with the provers that it started. One socket pair
joins it to the parent. When either end dies the other sees the end of the stream.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from proofsearch.errors import ProofsearchError
from proofsearch.process.usage import family
from proofsearch.protocols import Job, PreparesMachines, Worker, WorkerFactory
from proofsearch.workers.calls import MODEL_GONE
from proofsearch.workers.slots import Assignment, Broken, Failed, Message, Ready, Told

_BOOT = """
import sys
descriptor = int(sys.argv[1])
sys.path[:] = sys.argv[2:]
from proofsearch.workers.serving import main
main(descriptor)
"""
"""``-c`` rather than ``multiprocessing``'s spawn, which would run the user's script once more in each worker."""

_MATH_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def pickled(factory: WorkerFactory) -> bytes:
    """What a process makes its worker from.

    Raises:
        ProofsearchError: the factory can't be pickled.
    """
    try:
        return pickle.dumps(factory)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ProofsearchError(
            f"the worker factory {factory!r} can't be sent to a process: {error}; "
            f"give one that is defined at the top of an importable module"
        ) from error


@dataclass(frozen=True, slots=True)
class PreparedFirst:
    """A factory that fills the caches of its machine before it makes a worker.

    Attributes:
        factory: the factory itself.
    """

    factory: WorkerFactory

    def __call__(self) -> Worker:
        """Prepares the machine, and makes a worker."""
        if isinstance(self.factory, PreparesMachines):
            self.factory.prepare()
        return self.factory()


class ProcessSlot(Assignment):
    """A worker process.

    Args:
        recipe: the pickled factory, which is called there.
        math_threads: threads of numerical libraries; 0 leaves the environment's.

    Raises:
        OSError: no process can be started.
    """

    connection: Connection[Any, Any]

    def __init__(self, recipe: bytes, math_threads: int) -> None:
        super().__init__()
        self.connection, theirs = Pipe()
        variables = dict(os.environ)
        # Sets of strings are then walked in the same order in every worker, so that a slip of that kind in a plugin
        # doesn't make two runs differ.
        variables.setdefault("PYTHONHASHSEED", "0")
        if math_threads:
            variables |= dict.fromkeys(_MATH_THREADS, str(math_threads))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output belongs to the parent's results
            env=variables,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        self._send(recipe)

    def assign(self, job: Job) -> None:
        """Gives it a job, to be begun when it is ready."""
        self._job = job
        self._send(job)
        if not self.starting:
            self.since = time.monotonic()

    def receive(self) -> list[Message]:
        """What it said since; does not wait."""
        messages: list[Message] = []
        try:
            while self.connection.poll():
                message: Message = self.connection.recv()
                if isinstance(message, Ready):
                    self.starting = False
                    if self._job is not None:
                        self.since = time.monotonic()
                elif isinstance(message, Broken) or (
                    isinstance(message, Failed) and message.failure == "out of memory"
                ):
                    self.finished = True
                messages.append(message)
        except (EOFError, OSError):
            how = self._end()
            # What it said last counts, even if it died right after.
            if not messages or isinstance(messages[-1], Ready | Told):
                messages.append(Failed("crashed", how))
        return messages

    @property
    def lost_model(self) -> bool:
        """Whether it ended because the model that it asked was gone."""
        return self._process.returncode == MODEL_GONE

    def memory(self) -> float:
        """Megabytes of resident memory, its children included."""
        return family(self._process.pid)[0] / 1e6

    def stop(self) -> None:
        """Asks it to end; does not wait."""
        self._send(None)

    def join(self, seconds: float) -> None:
        """Waits at most so long for it to end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """Kills it and everything in its session. Idempotent."""
        self.finished = True
        if not self.connection.closed:
            # Also where it is dead itself: its provers may live.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self.connection.close()

    def _send(self, message: object) -> None:
        # Who died will be heard of from receive().
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def _end(self) -> str:
        """Waits for its death after the end of the stream, kills its children, and says how it died."""
        self.join(1.0)
        self.kill()
        code = self._process.returncode
        if code == MODEL_GONE:
            return "the worker's model, which another process hosts, was gone"
        if code >= 0:
            return f"the worker exited with code {code}"
        name = signal.Signals(-code).name
        hint = ", perhaps by the system because memory ran out" if name == "SIGKILL" else ""
        return f"the worker was killed by {name}{hint}"
