"""Workers that misbehave on request, for the checks of executors. What a job does is in its key, before the colon."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from proofsearch.errors import InputError
from proofsearch.protocols import Job, Worker

PATIENCE = 60.0
"""Seconds after which a job that waits for something gives up."""

STEP = 10_000_000
"""Bytes by which a growing job grows."""


def place() -> str:
    """The machine and process that this runs in."""
    return f"{socket.gethostname()} {os.getpid()}"


@dataclass(frozen=True, slots=True)
class CheckRecipe:
    """Makes the workers; can be pickled.

    Attributes:
        folder: where they leave a file when they are made, another when they are closed, and meet.
        caller: the place of whoever checks, which no job may end.
    """

    folder: Path
    caller: str

    def __call__(self) -> CheckWorker:
        """A worker."""
        return CheckWorker(self)


class CheckWorker:
    """Does what a job's key says."""

    def __init__(self, recipe: CheckRecipe) -> None:
        self._recipe = recipe
        self._name = uuid.uuid4().hex
        self._tell: Callable[[Any], None] | None = None
        (recipe.folder / f"made-{self._name}").touch()

    def report_progress_to(self, tell: Callable[[Any], None]) -> None:
        """Tells from now on, in jobs that do; see :class:`proofsearch.protocols.ReportsProgress`."""
        self._tell = tell

    def run(self, job: Job) -> Any:
        """Runs the job ``behaviour:argument:number``."""
        behaviour, argument, *_ = [*job.key.split(":"), ""]
        return getattr(self, f"do_{behaviour}")(argument)

    def close(self) -> None:
        """Leaves a file that says so."""
        # A thread that was left behind may get here when the checks, and their folder, are gone.
        with suppress(FileNotFoundError):
            (self._recipe.folder / f"closed-{self._name}").touch()

    def do_say(self, argument: str) -> str:
        """Returns the argument."""
        return argument

    def do_tell(self, argument: str) -> str:
        """Tells the argument twice, with a number, if there is anything to tell by, and returns it."""
        if self._tell is not None:
            for number in (1, 2):
                self._tell(f"{argument} {number}")
        return argument

    def do_place(self, argument: str) -> str:
        """Returns where it runs."""
        return place()

    def do_raise(self, argument: str) -> None:
        """Raises an exception that nobody expects."""
        raise ValueError(f"raised on request: {argument}")

    def do_exit(self, argument: str) -> NoReturn:
        """Ends its process."""
        if place() != self._recipe.caller:
            os._exit(3)
        raise RuntimeError("this is the process of whoever checks")

    def do_exit_once(self, argument: str) -> str:
        """Ends its process the first time."""
        marker = self._recipe.folder / f"exited-{argument}"
        if not marker.exists():
            marker.touch()
            self.do_exit(argument)
        return "survived"

    def do_hang(self, argument: str) -> str:
        """Hangs until it is released, or stopped from outside."""
        (self._recipe.folder / f"hangs-{argument}").touch()
        return self._wait_for("release", 1000.0)

    def do_meet(self, argument: str) -> str:
        """Waits for the other of two jobs that meet: ``here-there``."""
        here, _, there = argument.partition("-")
        (self._recipe.folder / f"meets-{here}").touch()
        return self._wait_for(f"meets-{there}", PATIENCE / 3)

    def do_grow(self, argument: str) -> str:
        """Takes so many megabytes, and holds them until it is stopped from outside, or for a while."""
        held: list[bytes] = []
        while len(held) * STEP < int(argument) * 1e6:
            held.append(b"x" * STEP)
            time.sleep(0.005)
        self._wait_for("enough", PATIENCE / 3)
        return "grew"

    def do_odd(self, argument: str) -> Any:
        """Returns what can't be pickled."""
        return lambda: None

    def _wait_for(self, name: str, seconds: float) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (self._recipe.folder / name).exists():
                return "met"
            time.sleep(0.02)
        return "waited in vain"


def refusing_recipe() -> Worker:
    """A worker that can't start, for a reason that a person should read."""
    raise InputError("the library of this check: no such file")
