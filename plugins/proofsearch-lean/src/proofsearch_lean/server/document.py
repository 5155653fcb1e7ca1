"""One document in the language server: its versions, and what the server reads in each."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import re
import time
from dataclasses import dataclass

import psutil

from proofsearch.process.jsonrpc import Message
from proofsearch.process.recovery import INTERRUPTED, LostError
from proofsearch_lean.server.connection import Connection, ConnectionLostError, Mailbox
from proofsearch_lean.server.language_server import LanguageServer

_READ = "textDocument/waitForDiagnostics"
_GOAL = "$/lean/plainGoal"

_CONTENT_MODIFIED = -32801
"""The code of an answer that another version of the text made void; the same can be asked again."""

_GONE = frozenset((-32901, -32902))
"""The codes of answers for a process that ended or crashed."""

_LOOK = 0.1
"""Seconds without an answer after which it is looked whether the process that has to give it is still there."""

_APPEARS = 5.0
"""Seconds after which such a process has to be there at all."""

_TOLD = 3
"""How often the death of a process that is known to be gone may be the answer."""

_WATCHED = 0.2
"""Seconds that a process is watched to see whether it is at work."""

_IDLE = 0.02
"""Processor seconds in that time that are no work."""

_IMPORT = re.compile(r"\s*((public|private|meta)\s+)*import\b|\s*(prelude|module)\b")

_numbers = itertools.count(1)


class DeadlineError(Exception):
    """The document wasn't read in time; the server may still be at it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the server says of a text.

    Attributes:
        diagnostics: as the protocol has them; lines from 0, columns in UTF-16 units.
        goals: in front of the place that was asked about, as Lean prints them.
    """

    diagnostics: tuple[Message, ...]
    goals: tuple[str, ...]


class Document:
    """A text that exists in the server only. It is opened when it is first read, and again after a crash.

    Args:
        server: where it lives.
    """

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self._uri = (server.folder / f"ProofSearch{os.getpid()}_{next(_numbers)}.lean").as_uri()
        self._connection: Connection | None = None
        self._version = 0
        self._head = ""
        self._lines = 0
        self._box: Mailbox | None = None
        self._worker: psutil.Process | None = None
        self._lost: psutil.Process | None = None  # may still be seen for a moment after the server has given it up
        self._stopped = False

    @property
    def open(self) -> bool:
        """Whether a server has it."""
        return self._connection is not None and not self._connection.lost

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped

    def read(self, head: str, body: str, line: int, column: int, seconds: float) -> Reading:
        """Has the server read a text.

        Args:
            head: its beginning, whole lines; what is equal to that of the last text isn't sent again.
            body: what follows, whole lines.
            line: where goals are asked for, from 0.
            column: in that line.
            seconds: how long it may take.

        Raises:
            DeadlineError: it takes longer.
            LostError: the process that reads it crashed, or the server did, or :meth:`stop` was called.
        """
        until = time.monotonic() + seconds
        connection, answers = self._answered(head, body, {"line": line, "character": column}, until)
        if self._worker is None and (process := self.worker()) != self._lost:
            self._worker = process
        diagnostics = connection.diagnostics(self._uri, self._version)
        if diagnostics is None:
            raise LostError("the language server reported nothing about the text that it had read")
        found = answers[_GOAL]
        return Reading(tuple(diagnostics), tuple(found.get("goals") or ()))

    def _answered(self, head: str, body: str, position: Message, until: float) -> tuple[Connection, dict[str, Message]]:
        """Shows a text until it is read, or until a process has died of it."""
        told = 0
        while True:
            box: Mailbox = queue.SimpleQueue()
            self._box = box
            if self._stopped:
                raise LostError(INTERRUPTED)
            try:
                change = self._change(head, body)
                connection = self._connection
                assert connection is not None
                asked: dict[str, Message] = {
                    _READ: {"uri": self._uri, "version": self._version},
                    _GOAL: {"textDocument": {"uri": self._uri}, "position": position},
                }
                return connection, self._ask(connection, box, change, asked, until)
            except ConnectionLostError as error:
                self._connection = self._worker = None
                raise LostError(str(error)) from None
            except LostError:
                # The server may tell of one death twice: to what was asked then, and to what is asked before another
                # process is there.
                told += 1
                same = self._worker is None and self._lost is not None
                if not same or told == _TOLD or self._stopped or time.monotonic() >= until:
                    self._lost, self._worker = self._worker, None
                    raise

    def _change(self, head: str, body: str) -> Message:
        """The notification that makes the server's text this one; opens the document where that has to be.

        With other imports the server reads on in another process, at a time of its own. Opened anew, the old one can't
        be taken for it, nor its end for an accident.
        """
        if self.open and _imports(head) != _imports(self._head):
            self.kill()
        connection = self._server.connection()
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        lines = body.count("\n")
        if connection is not self._connection:
            self._connection, self._head, self._lines, self._worker = connection, head, lines, None
            opened = {**document, "languageId": "lean4", "text": head + body}
            return {"method": "textDocument/didOpen", "params": {"textDocument": opened}}
        change: Message = {"text": head + body}
        if head == self._head:
            first = head.count("\n")
            span = {
                "start": {"line": first, "character": 0},
                "end": {"line": first + self._lines, "character": 0},
            }
            change = {"range": span, "text": body}
        self._head, self._lines = head, lines
        return {
            "method": "textDocument/didChange",
            "params": {"textDocument": document, "contentChanges": [change]},
        }

    def _ask(
        self, connection: Connection, box: Mailbox, change: Message, asked: dict[str, Message], until: float
    ) -> dict[str, Message]:
        requests = {method: connection.request(box, method, params) for method, params in asked.items()}
        methods = {request["id"]: method for method, request in requests.items()}
        answers: dict[str, Message] = {}
        try:
            connection.send(change, *requests.values())
            while len(answers) < len(asked):
                message = self._next(box, until)
                method = methods[message["id"]]
                error = message.get("error")
                if error is None:
                    answers[method] = message.get("result") or {}
                elif error.get("code") == _CONTENT_MODIFIED:
                    again = connection.request(box, method, asked[method])
                    requests[method] = again
                    methods[again["id"]] = method
                    connection.send(again)
                elif method == _GOAL and error.get("code") not in _GONE:
                    # Goals that can't be shown there, for want of something to print them with; the diagnostics of a
                    # text have them too.
                    answers[method] = {}
                else:
                    raise LostError(str(error.get("message", "the language server gave no answer")))
        finally:
            if len(answers) < len(asked):
                connection.forget(list(requests.values()))
        return answers

    def _next(self, box: Mailbox, until: float) -> Message:
        asked = time.monotonic()
        while True:
            now = time.monotonic()
            try:
                message = box.get(timeout=max(0.0, min(_LOOK, until - now)))
            except queue.Empty:
                self._look(time.monotonic() - asked)
                if time.monotonic() >= until:
                    raise DeadlineError from None
                continue
            if message is None:
                if self._stopped:
                    raise LostError(INTERRUPTED)
                raise ConnectionLostError(f"the language server ended{self._server.last_words()}")
            return message

    def _look(self, waited: float) -> None:
        """Looks whether the process that reads is still there: the server doesn't always answer for one that died.

        It says that it keeps the request for the next process, which it starts with the next text.
        """
        process = self.worker()
        if process is not None and process == self._lost and waited <= _APPEARS:
            return
        if (self._worker is not None and process != self._worker) or (process is None and waited > _APPEARS):
            raise LostError("the process that reads the text has ended")
        self._worker = process

    def stop(self) -> None:
        """Ends the reading that is under way, and every later one; from any thread. For good."""
        self._stopped = True
        box = self._box
        if box is not None:
            box.put(None)

    def worker(self) -> psutil.Process | None:
        """The process that reads it, where one does."""
        return self._connection.worker(self._uri) if self.open and self._connection else None

    def busy(self) -> bool:
        """Watches, for a moment, whether the process that reads it is at work though nothing is asked of it.

        What ran may go on in a thread of its own when the text has been replaced and the new one was read.
        """
        process = self.worker()
        if process is None:
            return False
        try:
            before = sum(process.cpu_times()[:2])
            time.sleep(_WATCHED)
            return sum(process.cpu_times()[:2]) - before > _IDLE or _wants_a_processor(process)
        except psutil.Error:
            return False

    def kill(self) -> None:
        """Kills the process that reads it and closes it; reading it again opens it anew."""
        connection, self._connection = self._connection, None
        self._worker = None
        if connection is not None and not connection.lost:
            connection.kill_worker(self._uri)
            with contextlib.suppress(ConnectionLostError):
                connection.send(
                    {"method": "textDocument/didClose", "params": {"textDocument": {"uri": self._uri}}},
                )


def _imports(head: str) -> list[str]:
    """The lines that say what is imported; in front of all else, so words like them further down are no loss."""
    return [line.strip() for line in head.splitlines() if _IMPORT.match(line)]


def _wants_a_processor(process: psutil.Process) -> bool:
    """Whether one of its threads runs or waits for its turn; on a busy machine that may take longer than any watch.

    Where threads have no state of their own (on other systems than Linux) nothing is known of them: ``False``.
    """
    for thread in process.threads():
        with contextlib.suppress(psutil.Error):
            if psutil.Process(thread.id).status() == psutil.STATUS_RUNNING:
                return True
    return False
