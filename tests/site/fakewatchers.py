"""Observers for tests: one that writes down what it is told, and that raises where it is asked to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from proofsearch import hookimpl
from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch.plugins.hookspecs import Register
from proofsearch.protocols import Builder

RAISED = {"error": RuntimeError("out of ink"), "usage": UsageError("out of paper"), "exit": SystemExit(3)}


class NotesConfig(ComponentConfig):
    """Options of the observer ``notes``."""

    path: Path = Field(description="The file.")
    raises_in: str = Field(default="", description="The method that raises.")
    raises: str = Field(default="error", description="What.")


class Notes:
    def __init__(self, config: NotesConfig) -> None:
        self._config = config

    def _note(self, method: str, what: object = "") -> None:
        file = os.open(self._config.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{method} {what}".rstrip().encode() + b"\n")
        os.close(file)
        if method == self._config.raises_in:
            raise RAISED[self._config.raises]

    def started(self, theorem: Any, graph: Any) -> None:
        self._note("started", theorem.name)

    def expanded(self, graph: Any, node: int) -> None:
        self._note("expanded")

    def finished(self, graph: Any, result: Any) -> None:
        self._note("finished", result.theorem)

    def run_started(self, run: Any) -> None:
        self._note("run_started", f"{run.theorems} {run.done}")

    def searched(self, result: Any) -> None:
        self._note("searched", result.theorem)

    def run_finished(self, run: Any, results: Any) -> None:
        self._note("run_finished", len(results))

    def training_started(self, training: Any) -> None:
        self._note("training_started", f"{training.path} {training.resumed}")

    def reported(self, report: Any) -> None:
        self._note("reported", report.step)

    def training_finished(self, training: Any, metrics: Any) -> None:
        self._note("training_finished", metrics["steps"])

    def close(self) -> None:
        self._note("close")


def make_notes(config: NotesConfig, builder: Builder) -> Notes:
    return Notes(config)


class Deaf:
    """Watches runs alone."""

    def run_started(self, run: Any) -> None:
        pass

    def searched(self, result: Any) -> None:
        pass

    def run_finished(self, run: Any, results: Any) -> None:
        pass

    def close(self) -> None:
        pass


@hookimpl
def register_observers(register: Register) -> None:
    register("runs-alone", lambda config, builder: Deaf(), help="Watches runs alone.")
    register("notes", make_notes, config=NotesConfig, help="Writes down what it is told.")
