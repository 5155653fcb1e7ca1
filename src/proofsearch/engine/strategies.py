"""The strategies that come with the core; each is registered like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proofsearch.engine.and_or import AndOr
from proofsearch.engine.best_first import BestFirst
from proofsearch.engine.puct import Puct
from proofsearch.errors import UsageError

if TYPE_CHECKING:
    from proofsearch.protocols import Strategy

BUILTIN: dict[str, Callable[[], Strategy]] = {"best-first": BestFirst, "and-or": AndOr, "puct": Puct}
"""By name. The core's plugin registers them."""

HELP = {
    "best-first": "Whole states, the one with the highest priority first.",
    "and-or": "And-or parts of states, each proved once, by the cost of the proof that needs them.",
    "puct": "And-or parts of states, by visit counts, the policy's probabilities and backed-up values.",
}
"""One line about each."""


def builtin_strategy(name: str) -> Strategy:
    """One of the core's strategies.

    Raises:
        UsageError: it has none of this name.
    """
    if name not in BUILTIN:
        raise UsageError(
            f"no strategy of the core is named {name!r}; known: {', '.join(BUILTIN)}; pass others as objects"
        )
    return BUILTIN[name]()
