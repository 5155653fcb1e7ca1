"""The plugin: what this package registers. Nothing heavy is imported before the command is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import RegisterCommand


@hookimpl
def register_commands(register: RegisterCommand) -> None:
    """Registers ``serve``."""
    register(
        "serve",
        "proofsearch_rl.command:serve",
        help="Serve a prover to reinforcement learning: many sessions, tactic by tactic.",
        kinds=("environment",),
    )
