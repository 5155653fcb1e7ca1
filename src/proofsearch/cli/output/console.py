"""Rich's console as the command line uses it: nothing from outside moves the cursor, and nothing is cut in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import rich.markup
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from proofsearch.process import streams

_UNLIMITED = 10_000
"""Columns where no terminal ends the line."""


def console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console on standard output, where results go, or on standard error.

    Args:
        stderr: on standard error, as it is whenever something is printed.
        width: at most so many columns on a terminal. Elsewhere a line is as long as it has to be, or ``COLUMNS`` if
            the environment says so.
    """
    file = sys.stderr if stderr else streams.results()
    terminal = file is not None and file.isatty()
    made = _Safe(
        stderr=stderr,
        file=None if stderr else file,
        width=None if terminal or os.environ.get("COLUMNS") else _UNLIMITED,
        highlight=False,
    )
    if terminal and width is not None and made.width > width:
        made.width = width
    return made


def escape(text: object) -> str:
    """Text from outside as markup that shows it as it is, with all that a terminal could obey written out."""
    return rich.markup.escape(streams.printable(text))


class _Safe(Console):
    """Writes out what a terminal could obey in whatever is printed, but for rich's own control codes."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            text, style, control = segment
            safe = text if control else streams.printable(text)
            yield segment if safe == text else Segment(safe, style)
