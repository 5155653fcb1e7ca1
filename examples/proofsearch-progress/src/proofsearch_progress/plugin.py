"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register


@hookimpl
def register_observers(register: Register) -> None:
    """Registers ``progress``."""
    from proofsearch_progress.observer import ProgressConfig, make_progress

    register(
        "progress",
        make_progress,
        config=ProgressConfig,
        help="A CSV file: what was done and proved, and when.",
    )
