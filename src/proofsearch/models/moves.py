"""Asking an environment which of a policy's suggestions apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proofsearch.protocols import Moves


def first_admitted(moves: Moves | None, tactics: Iterable[str], n: int) -> list[int]:
    """The places, in order, of the first ``n`` tactics that apply; no more tactics are read than that takes.

    Moves that can be asked about many at once are (:class:`~proofsearch.protocols.AdmitsMany`).

    Args:
        moves: of the state; ``None`` where the environment can't tell: then whatever comes first is taken.
        tactics: the likeliest first.
        n: how many are wanted, at least 1.
    """
    # Not isinstance(): that looks the protocol through again at each expansion.
    many: Callable[[Iterable[str], int], list[int]] | None = getattr(moves, "admitted", None)
    if many is not None:
        return many(tactics, n)
    places = []
    for place, tactic in enumerate(tactics):
        if moves is None or moves.admits(tactic):
            places.append(place)
            if len(places) == n:
                break
    return places
