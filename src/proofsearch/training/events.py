"""What a training tells while it is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from proofsearch.protocols import TrainingReport
from proofsearch.runs.run import RunEvent


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know; a sentence or two."""

    message: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """The trainer reported how far it is."""

    report: TrainingReport


TrainingEvent = RunEvent | Noted | Progressed
OnTrainingEvent = Callable[[TrainingEvent], None]
