"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register


@hookimpl
def register_scorers(register: Register) -> None:
    """Registers ``shortest``."""
    from proofsearch_shortest.scorer import ShortestConfig, make_shortest

    register("shortest", make_shortest, config=ShortestConfig, help="States with small goals first.")
