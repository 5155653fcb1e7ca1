"""The server's side of a worker: operations go out, answers come in, and a worker that goes wrong is replaced."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from typing import Any

import psutil

from proofsearch.process.usage import family
from proofsearch_rl.serving.messages import Code, RequestError
from proofsearch_rl.serving.settings import ServeSettings
from proofsearch_rl.serving.worker import HEAD, frame

_LOOK = 1.0
"""Seconds between two looks at how much memory a worker takes."""

_WHOLE_LOOK = 10
"""Every so many looks the processes that it started count too: to find them, all processes of the machine are read."""

_FAREWELL = 10.0
"""Seconds in which a worker may close its prover before it is killed."""


class WorkerLostError(Exception):
    """The worker ended before an operation was answered.

    Args:
        why: it ended.
        blamed: whether it was working at this operation.
    """

    def __init__(self, why: str, blamed: bool) -> None:
        super().__init__(why)
        self.blamed = blamed


@dataclass(slots=True)
class _Process:
    """A running worker."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class WorkerLink:
    """One worker process, and those that replace it.

    Attributes:
        sessions: how many sessions it was given.
        generation: how many processes there were: who knows an older number has a session that is not there any more.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self.sessions = 0
        self.generation = 0
        self._running: _Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._since = 0.0  # when the first of those that wait became the first
        self._tasks: list[asyncio.Task[None]] = []
        self._why = ""
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process, if one is running."""
        return None if self._running is None else self._running.process.pid

    async def ready(self) -> None:
        """Waits until a process is there, and starts one where there is none.

        Raises:
            RequestError: it can't open the environment.
        """
        if self._running is not None:
            return
        if self._closed:
            raise RequestError(Code.SESSION_ERROR, "the server is stopping")
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        await asyncio.shield(self._starting)

    async def ask(self, operation: list[Any]) -> Any:
        """Has the worker do something.

        Raises:
            RequestError: it could not be done; why is in the message.
            WorkerLostError: the worker ended.
        """
        await self.ready()
        assert self._running is not None
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            self._since = asyncio.get_running_loop().time()
        self._waiting.append(answered)
        self._running.writer.write(frame([operation]))
        answer = await asyncio.shield(answered)
        if "error" in answer:
            raise RequestError(Code.EXECUTION_ERROR, answer["error"])
        return answer["ok"]

    async def close(self) -> None:
        """Ends the worker. Idempotent."""
        self._closed = True
        if self._starting is not None:
            await asyncio.wait([self._starting])
        running = self._running
        if running is None:
            return
        running.writer.close()
        try:
            await asyncio.to_thread(running.process.wait, _FAREWELL)
        except subprocess.TimeoutExpired:
            _kill(running.process)
        if self._tasks:
            await asyncio.wait(self._tasks)

    # ------------------------------------------------------------------------------------------------- internals

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "proofsearch_rl.serving.worker", str(theirs.fileno())]
        # A session of its own: a terminal's Ctrl-C is the server's to hear.
        process = subprocess.Popen(
            command,
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(frame(self._settings.model_dump(mode="json")))
        try:
            said = await _answer(reader)
        except EOFError:
            said = {"error": f"a worker ended as it started, with code {await asyncio.to_thread(process.wait)}"}
        except BaseException:
            _kill(process)
            writer.close()
            raise
        if "error" in said:
            await asyncio.to_thread(process.wait)
            writer.close()
            raise RequestError(Code.EXECUTION_ERROR, said["error"])
        self.generation += 1
        self._why = ""
        self._running = running = _Process(process, reader, writer)
        self._tasks = [asyncio.create_task(self._listen(running)), asyncio.create_task(self._watch(running))]

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # whoever waits for it gets it

    async def _listen(self, running: _Process) -> None:
        """Passes answers on until the worker is gone, and then says so to all that wait."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                answer = await _answer(running.reader)
                self._since = loop.time()
                self._waiting.popleft().set_result(answer)
        except (EOFError, ConnectionError):
            pass
        self._running = None
        running.writer.close()
        code = await asyncio.to_thread(running.process.wait)
        why = self._why or f"the worker died (code {code})"
        waiting, self._waiting = self._waiting, deque()
        for place, answered in enumerate(waiting):
            answered.set_exception(WorkerLostError(why, blamed=place == 0))
            answered.exception()  # whoever asked may be gone

    async def _watch(self, running: _Process) -> None:
        """Ends the worker when an operation takes too long, or when it takes too much memory."""
        settings, loop = self._settings, asyncio.get_running_loop()
        looked, looks = loop.time(), 0
        while self._running is running:
            left = self._since + settings.step_timeout - loop.time() if self._waiting else settings.step_timeout
            if left <= 0:
                self._end(running, f"a tactic may take {settings.step_timeout:g} s, this one took longer")
                return
            await asyncio.sleep(min(left, _LOOK))
            if loop.time() - looked >= _LOOK:
                looked, looks = loop.time(), looks + 1
                taken = await asyncio.to_thread(_memory, running.process.pid, looks % _WHOLE_LOOK == 0)
                if taken > settings.worker_memory * 1_000_000:
                    most = settings.worker_memory
                    self._end(running, f"a worker may take {most} MB of memory, this one took {taken // 1_000_000}")
                    return

    def _end(self, running: _Process, why: str) -> None:
        self._why = why
        _kill(running.process)


async def _answer(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next answer of a worker.

    Raises:
        EOFError: it is gone.
    """
    (length,) = HEAD.unpack(await reader.readexactly(HEAD.size))
    answer: dict[str, Any] = json.loads(await reader.readexactly(length))
    return answer


def _memory(pid: int, whole: bool) -> int:
    """Bytes of memory that a process takes, with all that it started where the ``whole`` is wanted; 0 if it is gone."""
    if whole:
        return family(pid)[0]
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kills a process with everything that it started: a prover would survive it."""
    try:
        started = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        started = []
    process.kill()
    for child in started:
        try:
            child.kill()
        except psutil.Error:
            continue
