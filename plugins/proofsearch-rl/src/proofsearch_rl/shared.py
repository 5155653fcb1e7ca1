"""One prover for all episodes of a process that want the same: a library is loaded once, not once an episode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proofsearch import open_prover

if TYPE_CHECKING:
    from proofsearch.runs.prover import Prover

_provers: dict[str, tuple[Prover, int]] = {}
"""By what they were opened with, the provers and how many hold each. Of one thread, as sessions are."""


def take_prover(env: str, options: Mapping[str, Mapping[str, Any]], min_tier: str) -> Prover:
    """A prover as :func:`proofsearch.open_prover` opens it; the same one where somebody holds one already.

    Raises:
        ProofsearchError: it can't be opened.
    """
    key = _key(env, options, min_tier)
    prover, holders = _provers.get(key) or (open_prover(env, options, min_tier), 0)
    _provers[key] = prover, holders + 1
    return prover


def give_back(prover: Prover, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Gives a prover back; the last who does closes it."""
    key = _key(prover.name, options, prover.min_tier)
    held, holders = _provers.pop(key)
    if holders > 1:
        _provers[key] = held, holders - 1
    else:
        held.close()


def _key(env: str, options: Mapping[str, Mapping[str, Any]], min_tier: str | None) -> str:
    return json.dumps([env, options, min_tier], sort_keys=True, default=str)
