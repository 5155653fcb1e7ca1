"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register


@hookimpl
def register_priorities(register: Register) -> None:
    """Registers ``levin``."""
    from proofsearch_levin.priority import LevinConfig, make_levin

    register("levin", make_levin, config=LevinConfig, help="Steps over probability, as in Levin tree search.")
