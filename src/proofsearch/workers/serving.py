"""What runs inside a worker process."""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from proofsearch.errors import ProofsearchError, one_line, trace_of
from proofsearch.interruption import leave_to_parent
from proofsearch.process import streams
from proofsearch.protocols import Job, ReportsProgress, Worker, WorkerFactory
from proofsearch.workers.slots import Broken, Done, Failed, Message, Ready, Told


def main(descriptor: int) -> None:
    """Serves jobs from the parent until it says stop or dies.

    Args:
        descriptor: of this end of the socket pair.
    """
    # What a component prints can't fail it, whatever the parent's standard error is.
    with streams.attached():
        try:
            _serve(descriptor)
        except ConnectionError:  # the parent was killed, and an answer to it found that out before _listen did
            os.killpg(0, signal.SIGKILL)


def _serve(descriptor: int) -> None:
    # The parent decides when to end; that it is gone shows at the end of the stream.
    leave_to_parent()
    faulthandler.enable()
    # Multiprocessing's own stubs know what is sent only by type parameters.
    connection: Connection[Any, Any] = Connection(descriptor)
    try:
        recipe: bytes = connection.recv()
    except EOFError:
        return  # the parent was killed at once
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, jobs), daemon=True).start()
    try:
        # The parent's own bytes, over a private socket pair.
        factory: WorkerFactory = pickle.loads(recipe)  # noqa: S301
        worker = factory()
    # Whatever a plugin raises while it is built is told to the parent, which ends the run with it.
    except Exception as error:
        connection.send(Broken(to_proofsearch_error(error)))
        return
    if isinstance(worker, ReportsProgress):
        worker.report_progress_to(lambda progress: connection.send(Told(progress)))
    connection.send(Ready())
    while (job := jobs.get()) is not None:
        message = attempt(worker, job)
        try:
            connection.send(message)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            connection.send(Failed("error", f"the worker's result can't be pickled: {error}"))
        if isinstance(message, Failed) and message.failure == "out of memory":
            return  # what is left of its memory is in pieces
    worker.close()
    # Taking a large library apart object by object would keep the parent waiting for nothing.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def attempt(worker: Worker, job: Job) -> Message:
    """Runs a job and says what became of it."""
    process = os.getpid()
    try:
        return Done(worker.run(job))
    except MemoryError as error:
        return Failed("out of memory", one_line(error), trace_of(error))
    except ProofsearchError as error:
        return Failed("error", str(error), trace_of(error))
    # A theorem on which a plugin raises must not take the other theorems along; the traceback is kept with it.
    except Exception as error:
        return Failed("error", _located(error), trace_of(error))
    finally:
        if os.getpid() != process:
            # A job that forked came back here in the child as well. Two must not answer for one.
            os._exit(1)


def to_proofsearch_error(error: BaseException) -> ProofsearchError:
    """The error to raise for a factory that raised: itself where it is for people, with its traceback as text."""
    if isinstance(error, ProofsearchError):
        error.trace = trace_of(error)
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301
        except (pickle.PicklingError, AttributeError, TypeError):
            plain = ProofsearchError(str(error))
            plain.trace = error.trace
            return plain
        return error
    ours = ProofsearchError(f"a worker can't start: {_located(error)}")
    ours.trace = trace_of(error)
    return ours


def _located(error: BaseException) -> str:
    """An error on one line with the function that raised it."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return one_line(error)
    frame = frames[-1][0]
    return f"in {frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}: {one_line(error)}"


def _listen(connection: Connection[Any, Any], jobs: queue.SimpleQueue[Job | None]) -> None:
    """Passes jobs on; when the parent is gone, ends this process and what it started, even in the midst of a job."""
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)
