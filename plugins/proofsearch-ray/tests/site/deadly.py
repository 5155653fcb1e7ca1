"""Workers whose jobs end more than themselves; importable in actors and in their worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch.protocols import Job
from proofsearch.testing.workers import CheckRecipe


@dataclass(frozen=True)
class DeadlyRecipe:
    """Makes the workers.

    Attributes:
        folder: where they leave files.
    """

    folder: Path

    def __call__(self) -> DeadlyWorker:
        return DeadlyWorker(self.folder)


@dataclass(frozen=True)
class PreparingRecipe(CheckRecipe):
    """Leaves a file for each time that it prepares the machine."""

    def prepare(self) -> None:
        """Prepares it."""
        (self.folder / f"prepared-{uuid.uuid4().hex}").touch()


@dataclass(frozen=True)
class MachineRecipe:
    """Makes workers that say on which machine they are: the first three jobs meet, the last ones wait for a file.

    Attributes:
        folder: where they leave files.
    """

    folder: Path

    def __call__(self) -> MachineWorker:
        return MachineWorker(self.folder)

    def prepare(self) -> None:
        """Leaves a file."""
        (self.folder / f"prepared-{machine()}-{uuid.uuid4().hex}").touch()


def machine() -> str:
    """The machine, of several that are one: each has a raylet of its own."""
    return os.environ["RAY_RAYLET_PID"]


class MachineWorker:
    """Returns each job's key with the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, job: Job) -> tuple[str, str]:
        number = int(job.key)
        if number < 3:
            (self._folder / f"met-{number}").touch()
        while len(list(self._folder.glob("met-*"))) < 3 or (number > 5 and not (self._folder / "gone").exists()):
            time.sleep(0.02)
        return job.key, machine()

    def close(self) -> None:
        pass


class DeadlyWorker:
    """Does what a job's key says, before the colon."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, job: Job) -> Any:
        what, _, argument = job.key.partition(":")
        return getattr(self, what)(argument, job)

    def close(self) -> None:
        pass

    def say(self, argument: str, job: Job) -> str:
        """Returns the argument."""
        return argument

    def exit(self, argument: str, job: Job) -> None:
        """Ends its process."""
        os._exit(7)

    def swell(self, argument: str, job: Job) -> str:
        """Takes so many megabytes, and holds them until it is stopped from outside; at later attempts it lets go."""
        held = bytearray(os.urandom(1024)) * (int(argument) * 1000)
        if job.attempt == 1 or int(argument) > 1000:
            time.sleep(1000)
        return f"swelled by {len(held) // 1_000_000}"

    def kill_actor(self, argument: str, job: Job) -> str:
        """Kills the actor, as Ray does where memory is short, at the first so many attempts; a prover runs."""
        if job.attempt <= int(argument):
            prover = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            (self._folder / f"prover-{job.attempt}").write_text(str(prover.pid))
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1000)
        return f"attempt {job.attempt}"


def dying() -> DeadlyWorker:
    """A factory whose process dies."""
    os._exit(9)
