"""The numbers of :mod:`proofsearch.testing.countdown` in a process of their own, as most provers are."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping

from proofsearch import Crashed, Outcome, ProofState, Theorem
from proofsearch.process.usage import family
from proofsearch.protocols import Usage
from proofsearch.testing import CountdownEnvironment
from proofsearch.testing.countdown import CountdownSession

_ECHO = "import sys\nfor line in sys.stdin:\n    if 'die' in line: break\n    print(line, end='', flush=True)"


class Child:
    """A process that says what it is told."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, line: str) -> None:
        """Raises OSError if it has died."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", _ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line.replace("\n", " ").replace("\ud800", "?") + "\n")
        self.process.stdin.flush()
        if not self.process.stdout.readline():
            raise BrokenPipeError("the prover has died")

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                assert stream is not None
                with contextlib.suppress(OSError):
                    stream.close()
            self.process = None


class ChildSession(CountdownSession):
    """Asks its process at each step, and starts it again when it has died."""

    def __init__(self, number: int, earlier: Mapping[str, int]) -> None:
        super().__init__(number, earlier)
        self.child = Child()

    def step(self, state: ProofState, tactic: str) -> Outcome:
        try:
            self.child.ask(tactic)
        except OSError as error:
            self.child.end()
            return Crashed(str(error))
        return super().step(state, tactic)

    def usage(self) -> Usage:
        return Usage() if self.child.process is None else Usage(*family(self.child.process.pid))

    def renew(self) -> None:
        self.child.end()

    def close(self) -> None:
        self.child.end()


class ChildEnvironment(CountdownEnvironment):
    """A process a session."""

    session = ChildSession

    def open(self, theorem: Theorem) -> CountdownSession:
        return self.session(self._numbers[theorem.name], self._before(theorem))
