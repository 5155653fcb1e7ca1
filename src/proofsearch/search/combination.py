"""Whether a strategy, a priority and a configuration fit together, said by their traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch.errors import UsageError
from proofsearch.protocols import AddsUp

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.protocols import Priority, Strategy


def check_combination(strategy: Strategy, priority: Priority, config: SearchConfig) -> None:
    """Checks that a search can be made of these.

    Raises:
        UsageError: it can't; the message says which option to leave out.
    """
    name, kind, traits = config.strategy, config.priority.kind, strategy.traits
    if config.defer is not None and not traits.defers:
        raise UsageError(f"--defer: the strategy {name} needs all scores at once; leave it out")
    if config.defer is not None and traits.uses_priority and priority.traits.needs_every_score:
        raise UsageError(f"--defer: the priority {kind} needs all scores at once; leave one out")
    if config.batch > 1 and not traits.batches:
        raise UsageError(f"--batch: the strategy {name} expands one node at a time, not {config.batch}; leave it out")
    if traits.adds_up and not isinstance(priority, AddsUp):
        raise UsageError(
            f"--priority {kind}: the strategy {name} adds up the costs of parts, which this priority does not have; "
            "use auto, logprob, astar or mix, or another that adds up"
        )
