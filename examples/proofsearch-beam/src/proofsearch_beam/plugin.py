"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register


@hookimpl
def register_strategies(register: Register) -> None:
    """Registers ``beam``."""
    from proofsearch_beam.strategy import BeamConfig, make_beam

    register(
        "beam",
        make_beam,
        config=BeamConfig,
        help="The best states of each level, the others later.",
    )
