"""A worker of the local executor in a thread of this process.

A thread can't be killed: one that runs past its time is interrupted, where its worker can be
(:class:`proofsearch.protocols.EndsJobs`), and left behind. It closes its worker when its job ends at last, and does not
keep the interpreter from exiting.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from proofsearch.errors import one_line, trace_of
from proofsearch.protocols import EndsJobs, Job, ReportsProgress, WorkerFactory
from proofsearch.workers.serving import attempt, to_proofsearch_error
from proofsearch.workers.slots import Assignment, Broken, Failed, Message, Ready, Told


class ThreadSlot(Assignment):
    """A worker thread.

    Args:
        factory: called in the thread.
    """

    connection: Connection[Any, Any]

    def __init__(self, factory: WorkerFactory) -> None:
        super().__init__()
        # Only a byte a message goes through the pipe, so that the caller can wait for threads as for processes.
        self.connection, self._bell = Pipe(duplex=False)
        self._said: deque[Message] = deque()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._interrupt: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._serve, args=(factory,), name="proofsearch worker", daemon=True)
        self._thread.start()

    def assign(self, job: Job) -> None:
        """Gives it a job, to be begun when it is ready."""
        self._job = job
        self._jobs.put(job)
        if not self.starting:
            self.since = time.monotonic()

    def receive(self) -> list[Message]:
        """What it said since; does not wait."""
        messages: list[Message] = []
        while self.connection.poll():
            self.connection.recv_bytes()
            message = self._said.popleft()
            if isinstance(message, Ready):
                self.starting = False
                if self._job is not None:
                    self.since = time.monotonic()
            elif isinstance(message, Broken):
                self.finished = True
            messages.append(message)
        return messages

    def memory(self) -> float:
        """0: a thread's memory can't be told from the process's."""
        return 0.0

    def stop(self) -> None:
        """Asks it to end after its job; does not wait."""
        self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Waits at most so long for it to end."""
        self._thread.join(seconds)

    @property
    def ends_soon(self) -> bool:
        """Whether its job ends soon after :meth:`kill`, so that it is worth waiting for."""
        return self._interrupt is not None

    def kill(self) -> None:
        """Interrupts its job, where that can be done, and leaves it behind. Idempotent."""
        self.finished = True
        self._jobs.put(None)
        if self._interrupt is not None:
            # A worker that can't even be interrupted is left behind like others.
            with contextlib.suppress(Exception):
                self._interrupt()
        self.connection.close()

    def _serve(self, factory: WorkerFactory) -> None:
        try:
            worker = factory()
        # As in a process: whatever a plugin raises while it is built ends the run. A thread that died in silence would
        # be waited for without end.
        except BaseException as error:
            self._say(Broken(to_proofsearch_error(error)))
            return
        if isinstance(worker, ReportsProgress):
            worker.report_progress_to(self._tell)
        if isinstance(worker, EndsJobs):
            self._interrupt = worker.interrupter()
        self._say(Ready())
        while (job := self._jobs.get()) is not None and not self.finished:
            try:
                message = attempt(worker, job)
            # The thread's counterpart of a process that exits in the midst of a job.
            except BaseException as error:
                message = Failed("crashed", f"the worker raised {one_line(error)}", trace_of(error))
            self._say(message)
        worker.close()

    def _tell(self, progress: Any) -> None:
        if not self.finished:  # else it would pile up unheard
            self._say(Told(progress))

    def _say(self, message: Message) -> None:
        self._said.append(message)
        # Nobody listens any more to a worker that was left behind.
        with contextlib.suppress(OSError):
            self._bell.send_bytes(b"!")
