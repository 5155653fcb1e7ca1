"""What a terminal shows of the searches that are under way: a line or two each, of where they are."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from proofsearch.search.glimpses import Glimpse

_ROOM = 10
"""Lines of the terminal that are left to everything else."""


class LiveSearches:
    """The searches that were seen and have not ended: theorem, how far it is, and its best state, oldest first.

    A renderable of rich. It takes as many lines as the terminal can spare; the others are counted.
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
        room = max(1, console.height - _ROOM)
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, options.max_width // 4))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for glimpse in list(self._seen.values())[:room]:
            # Text, not markup: a state may hold anything.
            table.add_row(Text(glimpse.theorem, "bold"), Text(_standing(glimpse), "dim"), Text(glimpse.text))
        yield table
        if len(self._seen) > room:
            yield Text(f"… and {len(self._seen) - room} more searches", "dim")


def _standing(glimpse: Glimpse) -> str:
    goals = f"{glimpse.num_goals} goal{'s' if glimpse.num_goals != 1 else ''}"
    value = "" if glimpse.value is None else f", value {glimpse.value:.3g}"
    return f"{glimpse.expansions} expanded; depth {glimpse.depth}, {goals}{value}:"
