"""Trials over the language server: each elaborates the very text that becomes the proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from proofsearch import Crashed, Rejected, TimedOut
from proofsearch.process.recovery import LostError, tried_again
from proofsearch.process.usage import ProcessorTimes
from proofsearch.protocols import Usage
from proofsearch_lean.memory import usage_of
from proofsearch_lean.scripts import heading, indented
from proofsearch_lean.server.document import DeadlineError, Document
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.server.sentinel import COLUMN, SENTINEL, classify
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.transports import Result

_Path = tuple[str, ...]


class ServerTransport:
    """One document, for one theorem after the other; see :class:`proofsearch_lean.transports.Transport`.

    Args:
        server: where its document lives.
        timeout: seconds that a tactic may run.
        grace: seconds after a time-out in which the next text has to be read, or the process is killed.
        start_timeout: seconds for what comes before the first tactic.
    """

    def __init__(self, server: LanguageServer, timeout: float, grace: float, start_timeout: float) -> None:
        self._timeout = timeout
        self._grace = grace
        self._start_timeout = start_timeout
        self._document = Document(server)
        self._head = ""
        self._statement = 0
        self._near: tuple[_Path, ...] = ()
        self._times = ProcessorTimes()

    def begin(self, theorem: LeanTheorem) -> Result:
        """Shows the theorem; see :class:`proofsearch_lean.transports.Transport`."""
        self._head = heading(theorem)
        self._statement = theorem.preamble.count("\n")
        self._near = ()
        return self._retried((), self._start)

    def trial(self, path: Sequence[str]) -> Result:
        """Tries the last tactic; see :class:`proofsearch_lean.transports.Transport`."""
        return self._retried(tuple(path), self._trial)

    def _retried(self, path: _Path, attempt: Callable[[_Path], Result]) -> Result:
        def trial() -> Result:
            try:
                return attempt(path)
            except LostError:
                self._near = ()
                raise

        return tried_again(trial, lambda: self._document.stopped)

    def _start(self, path: _Path) -> Result:
        """Shows a path whose tactics are good, however long what stands before them takes."""
        try:
            result = self._read(path, self._start_timeout + self._timeout * len(path))
        except DeadlineError:
            self._document.kill()
            return TimedOut(f"what stands before the first tactic took more than {self._start_timeout:g} s")
        self._near = (path,)
        return result

    def _trial(self, path: _Path) -> Result:
        before = path[:-1]
        if not self._document.open:
            self._near = ()
        if not self._near:
            # A new process: what it has to read first is not the tactic's own time.
            failure = self._replay(self._start(before))
        elif before not in self._near:
            failure = self._go_back(before)
        else:
            failure = None
        if failure is not None:
            return failure
        try:
            result = self._read(path, self._timeout)
        except DeadlineError:
            self._recover(before)
            return TimedOut(f"no answer within {self._timeout:g} s")
        self._near = (before, path)
        return result

    def _go_back(self, before: _Path) -> Result | None:
        """Shows another branch, so that what is run again is not the tactic's own time."""
        try:
            result = self._read(before, self._timeout * (len(before) + 1))
        except DeadlineError:
            self._near = ()
            self._document.kill()
            return TimedOut("the steps before it took longer than when they were first tried")
        self._near = (before,)
        return self._replay(result)

    def _replay(self, result: Result) -> Result | None:
        """What is wrong with a path that was good before; ``None`` if nothing."""
        if isinstance(result, Rejected):
            self._near = ()
            return Crashed(f"the steps before it didn't apply when they were run again: {result.message}")
        return result if isinstance(result, TimedOut) else None

    def _recover(self, before: _Path) -> None:
        """After a time-out: the next text ends what runs. A process that doesn't turn to it in time is killed.

        So is one that reads the new text while it goes on with the old one, as it does inside the kernel.
        """
        self._near = ()
        until = time.monotonic() + self._grace
        try:
            self._read(before, self._grace)
            while self._document.busy():
                if time.monotonic() > until:
                    raise DeadlineError
            self._near = (before,)
        except DeadlineError:
            self._document.kill()
        except LostError:
            pass

    def _read(self, path: _Path, seconds: float) -> Result:
        body = "".join(map(indented, path)) + SENTINEL
        sentinel = self._head.count("\n") + body.count("\n") - 1
        reading = self._document.read(self._head, body, sentinel, COLUMN, seconds)
        return classify(reading.diagnostics, reading.goals, self._statement, sentinel)

    # -- its process ---------------------------------------------------------------------------------------------

    def usage(self) -> Usage:
        """What the document's process uses."""
        return usage_of(self._document.worker())

    def processor_seconds(self) -> float:
        """How long processors worked for the processes that read the document, one after another."""
        return self._times.read([self._document.worker()])

    def renew(self) -> None:
        """Kills the document's process."""
        self.processor_seconds()  # what it has used is not forgotten
        self._near = ()
        self._document.kill()

    def interrupt(self) -> None:
        """Ends the trial under way, and every later one."""
        self._document.stop()

    def reusable(self) -> bool:
        """Whether it was never interrupted."""
        return not self._document.stopped

    def close(self) -> None:
        """Kills the document's process."""
        self._document.kill()
