"""What a run shows while it is under way, and at its end."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from proofsearch.cli.main import shows_places
from proofsearch.cli.output.console import console, escape
from proofsearch.cli.output.live import LiveSearches
from proofsearch.measures.intervals import percentage, wilson
from proofsearch.process import streams
from proofsearch.protocols import TheoremResult
from proofsearch.protocols.events import Began, Event, Glimpse, Preparing, Recorded, Warned
from proofsearch.runs.run import RunSummary
from proofsearch.runs.tiers import count_tiers, tiers_in_words

if TYPE_CHECKING:
    from proofsearch.evaluation.stopping import DecidedAgainst


class Display(Protocol):
    """Shows what happens on standard error; standard output is for the results."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    @property
    def live(self) -> bool:
        """Whether it shows searches that are under way."""

    def show(self, event: Event) -> None:
        """Shows an event."""


def display(quiet: bool) -> Display:
    """The display that suits: bars on a terminal, plain lines elsewhere, nothing where nothing is wanted."""
    if quiet:
        return Silence()
    return Bars() if sys.stderr.isatty() else Lines()


def warn(event: Warned) -> None:
    """Writes a warning to standard error, with where it was raised if that was asked for."""
    if event.traceback and shows_places():
        streams.message(event.traceback)
    streams.warning(f"{event.message}{_in_which(event)}")


def _in_which(event: Warned) -> str:
    return f" (in {event.theorem}; further ones are counted)" if event.theorem else ""


class Silence:
    """Shows nothing but warnings."""

    live = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def show(self, event: Event) -> None:
        """Shows a warning."""
        if isinstance(event, Warned):
            warn(event)


class Lines(Silence):
    """A plain line a theorem, for logs."""

    def __init__(self) -> None:
        self._message = ""
        self._pace = _Pace()

    def show(self, event: Event) -> None:
        """Writes a line."""
        match event:
            case Preparing(message):
                if message != self._message:
                    self._message = message
                    streams.message(f"{message} …")
            case Began():
                streams.message(_beginning(event))
                self._pace.begin(event)
            case Recorded(result):
                self._pace.count(result)
                pace = self._pace
                streams.message(
                    f"[{pace.done}/{pace.theorems}] {_named(result)}; "
                    f"{pace.proved} proved, {pace.rate:.2f} theorems/s, {duration(pace.left)} left"
                )
            case Warned():
                warn(event)


class Bars:
    """Progress bars, with a line above them for each theorem proved, and below them where each search is."""

    live = True

    def __init__(self) -> None:
        self._searches = LiveSearches()
        self._progress = progress_bars(self._searches)
        self._preparing: tuple[str, TaskID] | None = None
        self._searching: TaskID | None = None
        self._pace = _Pace()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Moves the bars."""
        match event:
            case Preparing(message, done, total):
                self._prepare(message, done, total)
            case Began():
                self._end_preparing()
                self._progress.console.print(escape(_beginning(event)), highlight=False)
                self._pace.begin(event)
                self._searching = self._progress.add_task(
                    "searching", total=event.theorems, completed=event.done, note=f"{event.proved} proved"
                )
            case Glimpse():
                self._searches.see(event)
            case Recorded(result):
                self._searches.forget(result.theorem)
                self._pace.count(result)
                if result.proved or result.failure:
                    mark = "[green]✓[/]" if result.proved else "[red]✗[/]"
                    line = f"{mark} {escape(_named(result))}"
                    self._progress.console.print(line, highlight=False)
                if self._searching is not None:
                    note = f"{self._pace.proved} proved, {self._pace.rate:.2f}/s"
                    self._progress.update(self._searching, completed=self._pace.done, note=note)
            case Warned():
                # Above the bars: drawing them takes notice of what is written to the console alone.
                where = f"{escape(event.traceback)}\n" if event.traceback and shows_places() else ""
                self._progress.console.print(
                    f"{where}[yellow]warning:[/] {escape(event.message + _in_which(event))}",
                    highlight=False,
                )

    def _prepare(self, message: str, done: int | None, total: int | None) -> None:
        if self._preparing is None or self._preparing[0] != message:
            self._end_preparing()
            self._preparing = (message, self._progress.add_task(escape(message), total=total, note=""))
        self._progress.update(self._preparing[1], completed=done, total=total)

    def _end_preparing(self) -> None:
        if self._preparing is not None:
            self._progress.remove_task(self._preparing[1])
            self._preparing = None


class _WithBelow(Progress):
    """Progress bars with something below them."""

    below: RenderableType | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bars, then what is below."""
        yield from super().get_renderables()
        if self.below is not None:
            yield self.below


def progress_bars(below: RenderableType | None = None) -> Progress:
    """Bars on standard error that vanish at the end; a task has a description and a field ``note``.

    Args:
        below: what to show below them; drawn anew each time.
    """
    bars = _WithBelow(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        refresh_per_second=4,  # drawing takes the time of a searching process
    )
    bars.below = below
    return bars


class _Pace:
    """How far a run is and how fast it goes."""

    def __init__(self) -> None:
        self.theorems = self.done = self.proved = 0
        self._done_before = 0
        self._since = time.monotonic()

    def begin(self, event: Began) -> None:
        self.theorems, self.done, self.proved = event.theorems, event.done, event.proved
        self._done_before, self._since = event.done, time.monotonic()

    def count(self, result: TheoremResult) -> None:
        self.done += 1
        self.proved += result.proved

    @property
    def rate(self) -> float:
        """Theorems a second in this session."""
        return (self.done - self._done_before) / max(time.monotonic() - self._since, 1e-9)

    @property
    def left(self) -> float:
        """Seconds, if it goes on so."""
        return (self.theorems - self.done) / self.rate if self.rate else 0.0


def summary_text(summary: RunSummary, until: DecidedAgainst | None = None) -> str:
    """The end of a run, for people.

    Args:
        summary: of the run.
        until: what may have stopped it.
    """
    searched = len(summary.results)
    low, high = wilson(summary.proved, searched)
    ended = Counter(result.ending for result in summary.results.values() if not result.proved)
    lines = [
        f"proved {summary.proved} of {searched} theorems"
        f"{'' if searched == summary.theorems else ' searched'} "
        f"({percentage(summary.proved / searched)}, 95% interval {percentage(low)} to {percentage(high)}) "
        f"in {duration(summary.seconds)}"
    ]
    if until is not None:
        lines.insert(0, against_text(until))
    if searched < summary.theorems:
        lines.append(
            f"stopped: {summary.theorems - searched} of {summary.theorems} theorems were not searched; "
            f"to search them too: proofsearch search --resume {summary.path}"
        )
    if tiers := tiers_in_words(count_tiers(result.verdict for result in summary.results.values())):
        lines.append(f"checked: {tiers}")
    if ended:
        lines.append(f"not proved: {', '.join(f'{count} {ending}' for ending, count in ended.most_common())}")
    lines += [f"warning: {fault}" for fault in summary.faults]
    for result in summary.failures[:10]:
        if result.traceback and shows_places():
            lines.append(result.traceback)
        lines.append(f"failed: {_named(result)}")
    if len(summary.failures) > 10:
        lines.append(f"… and {len(summary.failures) - 10} more; see {summary.path / 'results.jsonl'}")
    if summary.proved:
        lines.append(f"the proofs are in {summary.path / 'proofs'}")
        lines.append(f"check them again with: proofsearch verify {summary.path}")
    else:
        lines.append(f"the run is in {summary.path}")
    return "\n".join(lines)


def against_text(until: DecidedAgainst) -> str:
    """How the comparison with another run stands, in a line."""
    from proofsearch.measures.sequential import ALPHA  # brings numpy

    test = until.test
    counts = f"of the first {test.looked:,} of {test.planned:,} theorems {test.only_first} only {until.path}, "
    counts += f"{test.only_second} only this run"
    if test.decided_at is not None:
        better, worse = ("this run", until.path) if test.only_second > test.only_first else (until.path, "this run")
        order = "" if until.shuffled else "; in the library's order, whose beginning may be easier: see --shuffle"
        return (
            f"decided after {test.decided_at:,} theorems: {better} proves more than {worse} ({counts}; p ≤ {ALPHA:g}, "
            f"valid at every look{order})"
        )
    if until.futile:
        return (
            f"given up: the chance that the rest would show a difference from {until.path} is {test.chance:.1%} "
            f"({counts})"
        )
    return f"not decided: no difference from {until.path} is shown ({counts})"


def summary_json(summary: RunSummary, until: DecidedAgainst | None = None) -> str:
    """The end of a run, for programs; the arguments are those of :func:`summary_text`."""
    low, high = wilson(summary.proved, len(summary.results))
    values: dict[str, Any] = {
        "run": str(summary.path),
        "theorems": summary.theorems,
        "searched": len(summary.results),
        "proved": summary.proved,
        "interval": [low, high],
        "checked": count_tiers(result.verdict for result in summary.results.values()),
        "seconds": summary.seconds,
        "status": dict(Counter(result.status for result in summary.results.values())),
        "failures": [
            {
                "theorem": result.theorem,
                "failure": result.failure,
                "message": result.message,
                "traceback": result.traceback,
            }
            for result in summary.failures
        ],
        "scored": sum(result.scored for result in summary.results.values()),
        "unscored": sum(result.unscored for result in summary.results.values()),
        "misscored": sum(result.misscored for result in summary.results.values()),
        "unsuggested": sum(result.unsuggested for result in summary.results.values()),
        "warnings": [dataclasses.asdict(fault) for fault in summary.faults],
        "proofs": str(summary.path / "proofs"),
    }
    if until is not None:
        test = until.test
        values["against"] = {
            "run": str(until.path),
            "planned": test.planned,
            "looked": test.looked,
            "only_first": test.only_first,
            "only_second": test.only_second,
            "decided_at": test.decided_at,
            "futile": until.futile,
            "chance": test.chance,
        }
    return json.dumps(values, indent=2)


def _beginning(event: Began) -> str:
    if event.selection is None:
        return f"resuming {event.path}: {event.done} of {event.theorems} theorems are done, {event.proved} proved"
    chosen = f"{event.theorems} theorem{'s' if event.theorems != 1 else ''}"
    if event.by_default:
        chosen += f" (nothing was selected, so: --split {event.selection.split} --limit {event.selection.limit})"
    if event.selection.shard is not None:
        chosen += f" (shard {event.selection.shard})"
    return f"searching {chosen}; the run is kept in {event.path}"


def _named(result: TheoremResult) -> str:
    return f"{streams.one_line(result.theorem)}: {_outcome(result)}"


def _outcome(result: TheoremResult) -> str:
    if result.failure:
        # The rest, a traceback perhaps, is in the results.
        last = result.message.strip().splitlines()[-1:] or [""]
        return f"{result.failure}: {last[0]}"
    how = f"proved in {len(result.tactics)} steps" if result.proved else result.ending
    return f"{how} ({result.expansions} expansions, {result.seconds:.1f} s)"


def duration(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
