"""Recorded searches as plain tables, for whoever wants to learn from them without knowing the trajectories' schema.

``steps``: one row a step that was tried.

================= ==============================================================================================
``state``         the state's text, as models read it
``tactic``        what was tried there
``next_state``    the text of the state that it led to, null unless it advanced; of a step to several parts, all of
                  which have to be proved, their texts with an empty line between
``outcome``       ``advanced``, ``finished`` (nothing is left to prove, and the whole proof was accepted), ``rejected``
                  (by the prover), ``timed_out``, ``crashed`` or ``refused`` (finished, but the check refused the whole)
``label``         ``positive``: it finished an accepted proof, or leads to a state from which one was found;
                  ``negative``: the prover rejected it, or it leads to a state that was searched without finding one;
                  ``unknown``: neither is known (:mod:`proofsearch.trajectory.labels`)
``remaining``     steps that are left behind it on the shortest recorded proof; null unless positive
``logprob``       log-probability of the tactic, by the policy
``message``       what the prover said to it; null where it said nothing
================= ==============================================================================================

``preferences``: one row a pair of tactics at a decision, in the columns that trainers of preferences read.

============================== =====================================================================================
``prompt``                     the state's text
``chosen``, ``rejected``       two tactics that both advanced: from where the first leads a proof was found through
                               states that were still to be searched, from where the second leads none was
``chosen_state``,
``rejected_state``             the texts of the states that they led to
``chosen_logprob``,
``rejected_logprob``           their log-probabilities, by the policy
``rejected_label``             ``negative`` or ``unknown``: whether the second was searched well enough to be called bad
============================== =====================================================================================

Both name the ``theorem``, its ``split``, the ``search_id`` and the ``node``, by which a row is found in the
trajectories; ``steps`` has the number of its ``edge`` there as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

import pyarrow as pa

from proofsearch.trajectory.choices import choices
from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, UNKNOWN
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind

MOST_PAIRS = 16
"""Pairs of one decision, at most: a decision with many children would outweigh all others."""


def _text(name: str, nullable: bool = False) -> pa.Field[Any]:
    return pa.field(name, pa.string(), nullable=nullable)


_PLACE = [
    _text("theorem"),
    _text("split"),
    _text("search_id"),
    pa.field("node", pa.int32(), nullable=False),
]

STEPS = pa.schema(
    [
        _text("state"),
        _text("tactic"),
        _text("next_state", nullable=True),
        _text("outcome"),
        _text("label"),
        pa.field("remaining", pa.int32()),
        pa.field("logprob", pa.float64(), nullable=False),
        _text("message", nullable=True),
        *_PLACE,
        pa.field("edge", pa.int32(), nullable=False),
    ]
)
"""The columns of ``steps``."""

PREFERENCES = pa.schema(
    [
        _text("prompt"),
        _text("chosen"),
        _text("rejected"),
        _text("chosen_state"),
        _text("rejected_state"),
        pa.field("chosen_logprob", pa.float64(), nullable=False),
        pa.field("rejected_logprob", pa.float64(), nullable=False),
        _text("rejected_label"),
        *_PLACE,
    ]
)
"""The columns of ``preferences``."""


def steps(search: RecordedSearch) -> pa.Table:
    """The steps of a search, in the order in which they were tried, as :data:`STEPS` has them."""
    return pa.Table.from_pylist(list(_steps(search)), schema=STEPS)


def preferences(search: RecordedSearch) -> pa.Table:
    """The pairs of a search, as :data:`PREFERENCES` has them: of each decision at most :data:`MOST_PAIRS`.

    Of the chosen those with the fewest steps to a proof come first, of the rejected the likeliest: they are what a
    policy mistakes most easily.
    """
    return pa.Table.from_pylist(list(_preferences(search)), schema=PREFERENCES)


def _place(search: RecordedSearch, node: int) -> dict[str, Any]:
    theorem = search.theorem
    return {"theorem": theorem.name, "split": theorem.split, "search_id": search.search_id, "node": node}


def _steps(search: RecordedSearch) -> Iterator[Mapping[str, Any]]:
    edges, texts = search.edges, search.text
    labels = search.labels
    for edge, tactic in enumerate(edges.tactic):
        node, outcome = int(edges.source[edge]), OutcomeKind(int(edges.outcome[edge]))
        targets = edges.targets(edge)
        label, remaining = _label(search.proved, outcome, targets, labels.label, labels.remaining)
        yield {
            "state": texts[node],
            "tactic": tactic,
            "next_state": "\n\n".join(texts[target] for target in targets) if targets else None,
            "outcome": outcome.name.lower(),
            "label": label,
            "remaining": remaining,
            "logprob": float(edges.logprob[edge]),
            "message": edges.message.get(edge),
            "edge": edge,
        } | _place(search, node)


def _label(
    proved: bool, outcome: OutcomeKind, targets: tuple[int, ...], labels: list[str], remaining: list[int]
) -> tuple[str, int | None]:
    """What a step is worth, and the steps that are left behind it."""
    if outcome == OutcomeKind.REJECTED:
        return NEGATIVE, None
    if outcome == OutcomeKind.FINISHED:
        return (POSITIVE, 0) if proved else (UNKNOWN, None)
    found = {labels[target] for target in targets}
    if found == {POSITIVE}:
        return POSITIVE, sum(remaining[target] for target in targets)
    return (NEGATIVE if NEGATIVE in found else UNKNOWN), None


def _preferences(search: RecordedSearch) -> Iterator[Mapping[str, Any]]:
    edges, texts = search.edges, search.text
    labels = search.labels
    for decision in choices(search):
        sides: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for child, edge, positive in zip(decision.children, decision.edges, decision.positive, strict=True):
            sides[positive].append((child, edge))
        sides[True].sort(key=lambda pair: labels.remaining[pair[0]])
        # A way back through what was searched before makes a state provable, but is no merit of the step to it.
        sides[False] = [pair for pair in sides[False] if labels.label[pair[0]] != POSITIVE]
        sides[False].sort(key=lambda pair: -float(edges.logprob[pair[1]]))
        for (good, chosen), (bad, rejected) in islice(product(sides[True], sides[False]), MOST_PAIRS):
            yield {
                "prompt": texts[decision.node],
                "chosen": edges.tactic[chosen],
                "rejected": edges.tactic[rejected],
                "chosen_state": texts[good],
                "rejected_state": texts[bad],
                "chosen_logprob": float(edges.logprob[chosen]),
                "rejected_logprob": float(edges.logprob[rejected]),
                "rejected_label": labels.label[bad],
            } | _place(search, decision.node)
