"""Trials over the REPL: a state is kept by its id, so a trial costs the tactic alone, and nothing is ever freed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofsearch import Crashed, Finished, Rejected, TimedOut
from proofsearch.errors import InputError
from proofsearch.process.recovery import LostError, tried_again
from proofsearch.process.usage import ProcessorTimes
from proofsearch.protocols import Usage
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.memory import usage_of
from proofsearch_lean.repl.answers import UNKNOWN_STATE, classify, classify_statement
from proofsearch_lean.repl.process import Repl
from proofsearch_lean.scripts import INDENT, heading, indented
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain
from proofsearch_lean.transports import Open, Result

_Path = tuple[str, ...]


class ReplTransport:
    """One process of the REPL; see :class:`proofsearch_lean.transports.Transport`.

    Args:
        start: starts one; called when it is first needed, and after a crash or a time-out.
        timeout: seconds that a tactic may run.
        start_timeout: seconds for what comes before the first tactic.
    """

    def __init__(self, start: Callable[[], Repl], timeout: float, start_timeout: float) -> None:
        self._start = start
        self._timeout = timeout
        self._start_timeout = start_timeout
        self._repl: Repl | None = None
        self._theorem: LeanTheorem | None = None
        self._ids: dict[_Path, int] = {}
        self._stopped = False
        self._times = ProcessorTimes()

    def begin(self, theorem: LeanTheorem) -> Result:
        """Shows the theorem; see :class:`proofsearch_lean.transports.Transport`."""
        self._theorem = theorem
        self._ids = {}
        return self._retried((), lambda path: self._show())

    def trial(self, path: Sequence[str]) -> Result:
        """Tries the last tactic; see :class:`proofsearch_lean.transports.Transport`."""
        return self._retried(tuple(path), self._trial)

    def _retried(self, path: _Path, attempt: Callable[[_Path], Result]) -> Result:
        def trial() -> Result:
            try:
                return attempt(path)
            except LostError:
                self._drop()
                raise

        return tried_again(trial, lambda: self._stopped)

    def _show(self) -> Result:
        assert self._theorem is not None
        text = f"{heading(self._theorem)}{INDENT}sorry\n"
        try:
            answer = self._running().ask({"cmd": text}, self._start_timeout)
        except TimeoutError:
            self._drop()
            return TimedOut(f"what stands before the first tactic took more than {self._start_timeout:g} s")
        result, number = classify_statement(answer, self._theorem.preamble.count("\n") + 1)
        if isinstance(result, Open):
            self._ids[()] = number
        return result

    def _trial(self, path: _Path) -> Result:
        known = len(path) - 1
        while known and path[:known] not in self._ids:
            known -= 1
        if () not in self._ids or self._repl is None or not self._repl.alive:
            self._drop()
            shown = self._show()
            if not isinstance(shown, Open):
                return shown
            known = 0
        for length in range(known + 1, len(path)):
            result = self._step(path[:length])
            if isinstance(result, Rejected | Finished):
                return Crashed(f"the steps before it didn't apply when they were run again: {result}")
            if not isinstance(result, Open):
                return result
        return self._step(path)

    def _step(self, path: _Path) -> Result:
        request = {"tactic": f"(\n{indented(path[-1])})", "proofState": self._ids[path[:-1]]}
        try:
            answer = self._running().ask(request, self._timeout)
        except TimeoutError:
            self._drop()
            return TimedOut(f"no answer within {self._timeout:g} s")
        if answer.get("message") == UNKNOWN_STATE:
            raise LostError("the REPL doesn't know its own state any more")
        result, number = classify(answer)
        if isinstance(result, Open):
            self._ids[path] = number
        return result

    def start(self) -> None:
        """Starts the process, so that what is wrong with it shows before a search.

        Raises:
            UsageError: there is no REPL that can be used.
            LostError: it can't be started.
        """
        self._running()

    # -- its process ---------------------------------------------------------------------------------------------

    def _running(self) -> Repl:
        if self._repl is None:
            self._repl = self._start()
        return self._repl

    def _drop(self) -> None:
        self.processor_seconds()  # what it has used is not forgotten
        repl, self._repl = self._repl, None
        self._ids = {}
        if repl is not None:
            repl.close()

    def usage(self) -> Usage:
        """What the process uses, and how many states it holds."""
        used = usage_of(*(self._repl.processes() if self._repl is not None else ()))
        return Usage(used.memory, used.processes, len(self._ids))

    def processor_seconds(self) -> float:
        """How long processors worked for its processes, one after another."""
        return self._times.read(self._repl.processes() if self._repl is not None else ())

    def renew(self) -> None:
        """Ends the process; states are made again when they are stepped."""
        self._drop()

    def interrupt(self) -> None:
        """Ends the trial under way, and every later one."""
        self._stopped = True
        repl = self._repl
        if repl is not None:
            repl.kill()

    def reusable(self) -> bool:
        """Whether it was never interrupted."""
        return not self._stopped

    def close(self) -> None:
        """Ends the process."""
        self._drop()


def open_repl(toolchain: Toolchain, config: LeanConfig) -> ReplTransport:
    """A transport with a REPL that runs.

    Raises:
        UsageError: there is none that can be used; the message says what to do.
        InputError: it can't be started.
    """
    made = ReplTransport(lambda: Repl(toolchain, config), config.timeout, config.start_timeout)
    try:
        made.start()
    except LostError as error:
        raise InputError(f"--lean-repl {config.repl}: {error}; `proofsearch doctor` looks into Lean itself") from None
    return made
