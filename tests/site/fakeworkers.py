"""Workers for the executor's tests. What a job does is in its key: ``behaviour`` or ``behaviour:argument``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proofsearch.errors import InputError
from proofsearch.protocols import Job


class Worker:
    """Does what the job's key says."""

    def __init__(self) -> None:
        self.closed = False

    def run(self, job: Job) -> Any:
        behaviour, _, argument = job.key.partition(":")
        return getattr(self, f"do_{behaviour}")(argument)

    def close(self) -> None:
        self.closed = True

    def do_ok(self, argument: str) -> str:
        return argument

    def do_pid(self, argument: str) -> int:
        return os.getpid()

    def do_exit(self, argument: str) -> None:
        os._exit(int(argument or 3))

    def do_signal(self, argument: str) -> None:
        os.kill(os.getpid(), getattr(signal, argument))
        time.sleep(1000)

    def do_crash_once(self, argument: str) -> str:
        marker = Path(argument)
        if not marker.exists():
            marker.touch()
            os._exit(1)
        return "survived"

    def do_hang(self, argument: str) -> None:
        time.sleep(1000)

    def do_hang_with_child(self, argument: str) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        Path(argument).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(1000)

    def do_grow(self, argument: str) -> None:
        held = []
        while True:
            held.append(b"x" * 10_000_000)
            time.sleep(0.005)

    def do_memory_error(self, argument: str) -> None:
        raise MemoryError

    def do_raise(self, argument: str) -> None:
        raise ValueError(f"no good: {argument}")

    def do_raise_ours(self, argument: str) -> None:
        raise InputError("library.mm:3: unexpected $=")

    def do_unpicklable(self, argument: str) -> Any:
        return lambda: None

    def do_print(self, argument: str) -> str:
        print(argument)
        return argument

    def do_environment(self, argument: str) -> str | None:
        return os.environ.get(argument)

    def do_interrupt(self, argument: str) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        return "went on"

    def do_wait_for(self, argument: str) -> str:
        while not Path(argument).exists():
            time.sleep(0.01)
        return "done"

    def do_system_exit(self, argument: str) -> None:
        sys.exit(5)


class TellingWorker(Worker):
    """Tells at each job what it is at, before it does it."""

    def __init__(self) -> None:
        super().__init__()
        self.tell: Callable[[Any], None] | None = None

    def report_progress_to(self, tell: Callable[[Any], None]) -> None:
        self.tell = tell

    def run(self, job: Job) -> Any:
        assert self.tell is not None
        self.tell(f"at {job.key}")
        return super().run(job)

    def do_chatter(self, argument: str) -> None:
        while self.tell is not None:
            self.tell("still at it")
            time.sleep(0.001)


class ClosingWorker(Worker):
    """Leaves a file when it is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def close(self) -> None:
        self.path.touch()


class ClosingFactory:
    """Makes workers that leave a file when they are closed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> Worker:
        return ClosingWorker(self.path)


def refusing_factory() -> Worker:
    raise InputError("library.mm: no such file")


def buggy_factory() -> Worker:
    raise KeyError("a slip")


def dying_factory() -> Worker:
    os._exit(9)
