"""What a terminal shows of the searches that are under way: how far each is, and its best state."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from proofsearch.process import streams
from proofsearch.protocols.events import Glimpse

_ROOM = 10
"""Lines of the terminal that are left to everything else."""


class LiveSearches:
    """The searches that were seen and have not ended, two lines each, the one that was seen first at the top.

    A renderable of rich. It takes as many lines as the terminal can spare; searches beyond that are counted.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Glimpse] = {}

    def see(self, glimpse: Glimpse) -> None:
        """Takes a glimpse of a search, instead of an earlier one."""
        self._seen[glimpse.theorem] = glimpse

    def forget(self, theorem: str) -> None:
        """Leaves a search out that has ended, if it was seen at all."""
        self._seen.pop(theorem, None)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, each cut to the terminal's width."""
        room = max(1, (console.height - _ROOM) // 2)
        seen = list(self._seen.values())
        for glimpse in seen[:room]:
            yield _line((streams.one_line(glimpse.theorem), "bold"), (_standing(glimpse), "dim"))
            yield _line(f"  {streams.one_line(glimpse.text)}")
        if len(seen) > room:
            yield _line((f"… and {len(seen) - room} more", "dim"))


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _standing(glimpse: Glimpse) -> str:
    goals = f"{glimpse.num_goals} goal{'s' if glimpse.num_goals != 1 else ''}"
    value = "" if glimpse.value is None else f", value {glimpse.value:.3g}"
    memory = "" if glimpse.memory is None else f", prover {glimpse.memory / 1e6:,.0f} MB"
    return f": {glimpse.expansions} expanded, now at depth {glimpse.depth} with {goals}{value}{memory}"
