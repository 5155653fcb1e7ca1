"""JSON-RPC with a language server, over its pipes.

A request never waits for ever: what is written waits for the pipe until a deadline, what is asked is answered into a
mailbox, and the end of the server is an answer too. The server's standard error is read all the time; its last lines
are kept for messages.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from proofsearch.process.jsonrpc import Message, framed, read_message

Mailbox = queue.SimpleQueue["Message | None"]
"""A queue in which answers arrive. ``None``: no more will come, the server is gone or waiting was interrupted."""

_LAST_LINES = 40
"""How much of the server's standard error is kept."""

_WRITE = 60.0
"""Seconds in which a server has to take what is written to it; one that doesn't is hung and is ended."""

_END = 5.0
"""Seconds that processes have to be gone after they were killed."""


class ConnectionLostError(Exception):
    """The server is gone; the message has what it said last."""


class Connection:
    """A language server that runs, and the talk with it. Methods may be called from several threads.

    Args:
        command: the server with its arguments.
        folder: where it is started.
        timeout: seconds that it has to answer the first request.

    Raises:
        ConnectionLostError: it can't be started, ended at once or doesn't answer.
    """

    def __init__(self, command: Sequence[str], folder: Path, timeout: float) -> None:
        self._waiting: dict[int, Mailbox] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._lost = threading.Event()
        self._diagnostics: dict[str, tuple[int | None, list[Message]]] = {}
        self._said: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
        self._workers: dict[str, psutil.Process] = {}
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Signals from the terminal are for the search, which decides what ends.
                start_new_session=True,
            )
        except OSError as error:
            raise ConnectionLostError(f"{command[0]} can't be started: {error.strerror}") from None
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._input = self._process.stdin.fileno()
        os.set_blocking(self._input, False)
        self._drainer = threading.Thread(target=self._drain, args=(self._process.stderr,), daemon=True)
        self._readers = [threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True), self._drainer]
        for reader in self._readers:
            reader.start()
        try:
            self._initialize(folder, timeout)
        except BaseException:
            self.close()
            raise

    def _initialize(self, folder: Path, timeout: float) -> None:
        box: Mailbox = queue.SimpleQueue()
        self.send(self.request(box, "initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}}))
        try:
            answer = box.get(timeout=timeout)
        except queue.Empty:
            raise ConnectionLostError(f"no answer within {timeout:g} s{self.last_words()}") from None
        if answer is None or "error" in answer:
            said = "" if answer is None else f"the server refused: {answer['error'].get('message', '')}"
            raise ConnectionLostError(f"{said or 'the server ended as it was started'}{self.last_words()}")
        self.send({"method": "initialized", "params": {}})

    @property
    def lost(self) -> bool:
        """Whether the server is gone."""
        return self._lost.is_set()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def last_words(self) -> str:
        """What the server wrote to its standard error last, to be put behind a message."""
        if self.lost:
            self._drainer.join(_END)  # the end of its output is often heard before its last words
        return f"; it said: {' '.join(' '.join(self._said).split())[-600:]}" if self._said else ""

    # -- talking -------------------------------------------------------------------------------------------------

    def request(self, box: Mailbox, method: str, params: Message) -> Message:
        """A request to be sent, whose answer will come into a mailbox."""
        number = next(self._ids)
        self._waiting[number] = box
        return {"id": number, "method": method, "params": params}

    def forget(self, requests: Sequence[Message]) -> None:
        """Says that nobody waits for the answers any more; where they aren't there yet, the server may stop."""
        left = [request["id"] for request in requests if self._waiting.pop(request["id"], None) is not None]
        if left and not self.lost:
            with contextlib.suppress(ConnectionLostError):
                self.send(*({"method": "$/cancelRequest", "params": {"id": number}} for number in left))

    def send(self, *messages: Message) -> None:
        """Sends messages, in order and with nothing between them.

        Raises:
            ConnectionLostError: the server is gone, or takes nothing.
        """
        with self._lock:
            if self.lost:
                raise ConnectionLostError(f"the server has ended{self.last_words()}")
            try:
                self._write(b"".join(map(framed, messages)))
            except OSError:
                self._end()
                raise ConnectionLostError(f"the server takes nothing any more{self.last_words()}") from None

    def _write(self, data: bytes) -> None:
        until = time.monotonic() + _WRITE
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._input, left) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._input, select.POLLOUT)
                if not poll.poll(max(0, int(1000 * (until - time.monotonic())))):
                    raise TimeoutError from None

    def diagnostics(self, uri: str, version: int) -> list[Message] | None:
        """What was reported of a version of a document; ``None`` where nothing was."""
        of, found = self._diagnostics.get(uri, (None, []))
        return found if of == version else None

    # -- what comes ----------------------------------------------------------------------------------------------

    def _read(self, stream: IO[bytes]) -> None:
        try:
            while (message := read_message(lambda: stream.readline(4096), stream.read)) is not None:
                self._take(message)
        # The server's output ended in the middle, isn't what the protocol says, or was closed by us.
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if not self.lost:
                self._said.append(f"what it wrote can't be read: {error!r}")
        finally:
            self._end()

    def _take(self, message: Message) -> None:
        method = message.get("method")
        if method is None:
            box = self._waiting.pop(message.get("id", 0), None)
            if box is not None:
                box.put(message)
        elif "id" in message:
            # The server asks for what only editors have. It is answered by a thread of its own lest both sides wait
            # for the other to read.
            answer = {"id": message["id"], "result": None}
            threading.Thread(target=self._answer, args=(answer,), daemon=True).start()
        elif method == "textDocument/publishDiagnostics":
            self._report(message["params"])

    def _answer(self, answer: Message) -> None:
        with contextlib.suppress(ConnectionLostError):
            self.send(answer)

    def _report(self, params: Message) -> None:
        uri, version, new = params["uri"], params.get("version"), params["diagnostics"]
        of, found = self._diagnostics.get(uri, (None, []))
        # Newer servers may send only what has come up since.
        if params.get("isIncremental") and of == version:
            new = [*found, *new]
        self._diagnostics[uri] = version, new

    def _drain(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            # A line without an end must not be kept for ever.
            while line := stream.readline(4096):
                self._said.append(line.decode(errors="replace").rstrip())

    # -- processes -----------------------------------------------------------------------------------------------

    def worker(self, uri: str) -> psutil.Process | None:
        """The process that serves a document: the one below the server whose last argument is the address."""
        known = self._workers.get(uri)
        if known is not None and known.is_running() and known.status() != psutil.STATUS_ZOMBIE:
            return known
        found = None
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if process.cmdline()[-1:] == [uri] and process.status() != psutil.STATUS_ZOMBIE:
                        found = process
        if found is None:
            self._workers.pop(uri, None)
        else:
            self._workers[uri] = found
        return found

    def kill_worker(self, uri: str) -> None:
        """Kills the process that serves a document; the server starts another with the next edit."""
        process = self.worker(uri)
        if process is not None:
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(_END)

    def _end(self) -> None:
        """Kills the server and what it started, and tells everybody who waits. Several calls do no harm."""
        self._lost.set()
        if self._process.returncode is not None:
            return  # its number may be another process's by now
        below: Mapping[int, psutil.Process] = {process.pid: process for process in list(self._workers.values())}
        with contextlib.suppress(psutil.Error):
            below = {**below, **{process.pid: process for process in psutil.Process(self.pid).children(recursive=True)}}
        # Workers are in sessions of their own, so the group is not enough; one that is not listed yet ends with its
        # input.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, 9)
        for process in below.values():
            with contextlib.suppress(psutil.Error):
                process.kill()
        for box in list(self._waiting.values()):
            box.put(None)
        self._waiting.clear()

    def close(self) -> None:
        """Ends the server and everything that it started, and waits for it. Idempotent."""
        self._end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        psutil.wait_procs(list(self._workers.values()), _END)
        for reader in self._readers:
            if reader is not threading.current_thread() and reader.ident is not None:
                reader.join(_END)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
