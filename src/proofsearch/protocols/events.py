"""What the verbs tell while they work: one stream of events, whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proofsearch.protocols.results import TheoremResult
from proofsearch.protocols.training import TrainingReport

if TYPE_CHECKING:
    from proofsearch.config import SelectionConfig


@dataclass(frozen=True, slots=True)
class Preparing:
    """Something takes long beside searches and training steps; ``done`` of ``total``, where that is known."""

    message: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know; a sentence or two."""

    message: str


@dataclass(frozen=True, slots=True)
class Began:
    """The searches begin.

    Attributes:
        path: the run folder.
        theorems: how many the run is about.
        done: how many of them have a result from before.
        proved: how many of these are proved.
        selection: what was selected; ``None`` where a run is resumed.
        by_default: whether nobody selected anything.
    """

    path: Path
    theorems: int
    done: int
    proved: int
    selection: SelectionConfig | None = None
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Where a search is: what it has tried, and the state that was the best of those waiting when it chose last.

    Told now and then where that was asked for.

    Attributes:
        theorem: the name of what is to be proved.
        expansions: nodes expanded.
        depth: steps that lead to the state.
        num_goals: open goals of the state.
        value: what the scorer said of the state; ``None`` where it said nothing.
        text: the beginning of the state's text on one line.
        memory: bytes that the prover used when it was asked last; ``None`` where it never was.
    """

    theorem: str
    expansions: int
    depth: int
    num_goals: int
    value: float | None
    text: str
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A theorem's result is in the run folder."""

    result: TheoremResult


@dataclass(frozen=True, slots=True)
class Warned:
    """A component did something against its contract for the first time in this session of the run, which continues.

    Attributes:
        theorem: in whose search; ``""`` where an observer of the run itself failed.
        message: what it did, a line that names component and method.
        traceback: where that was raised, as text; ``""`` where it wasn't.
    """

    theorem: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    """The trainer reported how far it is."""

    report: TrainingReport


Event = Preparing | Noted | Began | Glimpse | Recorded | Warned | Progressed
OnEvent = Callable[[Event], None]
"""Is told each event, in the thread of whoever called the verb."""


def ignore_event(event: Event) -> None:
    """Tells nobody; the default of the verbs."""
