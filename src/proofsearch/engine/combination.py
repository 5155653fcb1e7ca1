"""Whether a strategy, a priority and a configuration fit together, said by their traits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proofsearch.config.explain import Place, dotted
from proofsearch.errors import UsageError
from proofsearch.protocols import AddsUp

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.protocols import Priority, Strategy

_FLAGS = {
    ("search", "defer"): "--defer",
    ("search", "batch"): "--batch",
    ("search", "priority", "kind"): "--priority",
    ("search", "proposals"): "--proposals",
}


def flag_of(place: Place) -> str:
    """A place of a run's configuration, called by its option."""
    return _FLAGS.get(tuple(map(str, place))) or dotted(place)


def check_combination(
    strategy: Strategy, priority: Priority, config: SearchConfig, name: Callable[[Place], str] = flag_of
) -> None:
    """Checks that a search can be made of these.

    Args:
        strategy: what is expanded next.
        priority: what it would order by.
        config: names both, and what they are combined with.
        name: how to call a place of a run's configuration in errors.

    Raises:
        UsageError: it can't; the message says which option to leave out.
    """
    algorithm, kind, traits = config.strategy, config.priority.kind, strategy.traits
    defer = name(("search", "defer"))
    if config.defer is not None and not traits.defers:
        raise UsageError(f"{defer}: the strategy {algorithm} needs all scores at once; leave it out")
    if config.defer is not None and traits.uses_priority and priority.traits.needs_every_score:
        raise UsageError(f"{defer}: the priority {kind} needs all scores at once; leave one out")
    if config.batch > 1 and not traits.batches:
        batch = name(("search", "batch"))
        raise UsageError(
            f"{batch}: the strategy {algorithm} expands one node at a time, not {config.batch}; leave it out"
        )
    if config.proposals != "steps":
        _check_scripts(strategy, priority, config, name(("search", "proposals")))
    if traits.adds_up and not isinstance(priority, AddsUp):
        raise UsageError(
            f"{name(('search', 'priority', 'kind'))} {kind}: the strategy {algorithm} adds up the costs of parts, "
            "which this priority does not have; use auto, logprob, astar or mix, or another that adds up"
        )


def _check_scripts(strategy: Strategy, priority: Priority, config: SearchConfig, proposals: str) -> None:
    """Checks that a search which replays scripts can be made of these."""
    if not strategy.traits.replays:
        raise UsageError(
            f"{proposals} {config.proposals}: the strategy {config.strategy} can't replay whole proofs; leave it out, "
            "or choose another strategy, such as best-first"
        )
    if strategy.traits.uses_priority and priority.traits.needs_every_score:
        raise UsageError(
            f"{proposals} {config.proposals}: the priority {config.priority.kind} compares all siblings, which a "
            "replayed step has not; choose another priority"
        )
