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
