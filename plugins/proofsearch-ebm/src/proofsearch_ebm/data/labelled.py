"""One recorded search as training sees it: which of its states are kept, what is known of them, its decisions.

Works on columns: a search has thousands of nodes of which most are dropped, and no text is read of those. The values
that the scorer gave are never looked at: in a search guided by known proofs they are the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trajectory.choices import choices, earliest_required_expansion
from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, Decision, Labels
from proofsearch.trajectory.likeliest import nats_to_go
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch_ebm.data.parts import Reading
from proofsearch_ebm.data.rows import SearchParts, parts_of_nodes

UNKNOWN_LABEL, NEGATIVE_LABEL, POSITIVE_LABEL = -1, 0, 1
"""The labels of a dataset. What was not expanded is unknown, never negative."""

ALWAYS, DEAD_END, EXPANDED, OTHER = 0, 1, 2, 3
"""Why a state is kept, the best reason first: see :class:`SearchColumns`."""


@dataclass(frozen=True, slots=True)
class SearchColumns:
    """What is known of some states of a search, by place; each of shape ``(n,)`` in the order of its nodes.

    Attributes:
        key: BLAKE2b-128 of the text as two uint64, shape ``(n, 2)``; equal for equal texts.
        label: :data:`POSITIVE_LABEL`, :data:`NEGATIVE_LABEL` or :data:`UNKNOWN_LABEL`.
        remaining: steps to the nearest proof, at least 1; -1 unless positive.
        nats: −log-probability of the likeliest recorded proof, at least 0; -1 unless positive.
        depth: steps from the root on the best path.
        num_goals: open goals, at least 1.
        logprob: sum of the log-probabilities on the best path.
        length: characters of the text.
        generated: the expansion that first reached the state, by its place in the order; -1 for the root.
        expanded: the state's own place in that order; -1 if it was not expanded.
        onward: the state leads on at any time before this, as
            :func:`~proofsearch.trajectory.choices.earliest_required_expansion` counts it; -1 where no way leads to the
            proof.
        reason: :data:`ALWAYS` for positives and members of decisions, then :data:`DEAD_END` for negatives,
            :data:`EXPANDED`, :data:`OTHER`.
    """

    key: NDArray[np.uint64]
    label: NDArray[np.int8]
    remaining: NDArray[np.int32]
    nats: NDArray[np.float32]
    depth: NDArray[np.int32]
    num_goals: NDArray[np.int32]
    logprob: NDArray[np.float32]
    length: NDArray[np.int32]
    generated: NDArray[np.int32]
    expanded: NDArray[np.int32]
    onward: NDArray[np.int32]
    reason: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class PlacedDecision:
    """A decision of a search, by places in its :class:`SearchColumns`.

    Attributes:
        parent: the expanded state; -1 if it is not among the columns.
        children: its different live children that were not expanded before it, in the order of their first edges, at
            least 1.
        positive: whether each led on to the found proof, through states expanded later; shape of ``children``.
        logprob: log-probability of the tactic that first reached each, shape of ``children``.
    """

    parent: int
    children: NDArray[np.int64]
    positive: NDArray[np.bool_]
    logprob: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelledSearch:
    """What is kept of a search that found a proof.

    Attributes:
        columns: of the states kept.
        decisions: those of the search.
        parts: what the states are made of.
        num_nodes: states of the whole search.
        empty: states without text or without goals, dropped: nothing can be said of them.
    """

    columns: SearchColumns
    decisions: list[PlacedDecision]
    parts: SearchParts
    num_nodes: int
    empty: int


def _reasons(search: RecordedSearch, label: NDArray[np.int8], decisions: Sequence[Decision]) -> NDArray[np.int8]:
    """Why each state is worth keeping."""
    reason = np.full(search.num_nodes, OTHER, np.int8)
    reason[search.expanded] = EXPANDED
    reason[label == NEGATIVE_LABEL] = DEAD_END
    reason[label == POSITIVE_LABEL] = ALWAYS
    for decision in decisions:
        reason[list(decision.children)] = ALWAYS
    return reason


def label_search(
    search: RecordedSearch, reading: Reading, *, min_expansions: int, max_states: int, seed: int
) -> LabelledSearch:
    """Labels a search that found a proof and keeps what training wants of it.

    All positives and members of decisions are kept. Up to ``max_states``, negatives follow, then other expanded
    states, then a random choice of the rest; chance depends on ``seed`` and the state's text only, so that two
    searches of a theorem choose alike.

    Args:
        search: its proof was accepted.
        reading: how an encoder reads states.
        min_expansions: what is demanded of negatives.
        max_states: how many to keep where there are more.
        seed: of the choice.

    Raises:
        InputError: the search is damaged.
    """
    table, nodes = search.table, search.num_nodes
    search.edges.check(nodes)
    labels = search.relabel(min_expansions)
    onward = earliest_required_expansion(search)
    decisions = list(choices(search, onward))
    label = label_numbers(labels)
    keys = state_keys(search)

    text = table.column("text")
    usable = (pc.utf8_length(pc.utf8_trim_whitespace(text)).to_numpy() > 0) & (search.num_goals > 0)
    reason = _reasons(search, label, decisions)
    kept = choose(keys, reason, usable, max_states, seed)
    columns = SearchColumns(
        key=keys[kept],
        label=label[kept],
        remaining=np.array(labels.remaining, np.int32)[kept],
        nats=nats_to_go(search)[kept].astype(np.float32),
        depth=search.depth[kept],
        num_goals=search.num_goals[kept],
        logprob=search.logprob[kept].astype(np.float32),
        length=pc.utf8_length(text).to_numpy()[kept].astype(np.int32),
        generated=_generated_at(search)[kept],
        expanded=search.expansion[kept],
        onward=np.array(onward, np.int32)[kept],
        reason=reason[kept],
    )
    return LabelledSearch(
        columns=columns,
        decisions=_placed(decisions, search, kept),
        parts=parts_of_nodes(search, kept, columns.key, reading),
        num_nodes=nodes,
        empty=int((~usable).sum()),
    )


def label_numbers(labels: Labels) -> NDArray[np.int8]:
    """Labels as numbers, shape ``(num_nodes,)``."""
    number = {POSITIVE: POSITIVE_LABEL, NEGATIVE: NEGATIVE_LABEL}
    return np.array([number.get(label, UNKNOWN_LABEL) for label in labels.label], np.int8)


def state_keys(search: RecordedSearch) -> NDArray[np.uint64]:
    """The keys of a search's states, shape ``(num_nodes, 2)``.

    Raises:
        InputError: a key is no 32 hexadecimal digits.
    """
    keys = search.key
    try:
        if any(len(key) != 32 for key in keys):
            raise ValueError
        raw = bytes.fromhex("".join(keys))
    except ValueError:
        raise InputError(
            f"search {search.search_id} of {search.theorem.name!r}: damaged: a key in column 'key' is not of 32 "
            f"hexadecimal digits"
        ) from None
    return np.frombuffer(raw, "<u8").reshape(-1, 2).astype(np.uint64)


def choose(
    keys: NDArray[np.uint64], reason: NDArray[np.int8], usable: NDArray[np.bool_], most: int, seed: int
) -> NDArray[np.int64]:
    """The places to keep, increasing: all with the reason :data:`ALWAYS`, then the best reasons, up to ``most``."""
    places = np.flatnonzero(usable)
    always = int((reason[places] == ALWAYS).sum())
    most = max(most, always)
    if len(places) > most:
        # The keys are uniform already; multiplying and mixing in the seed gives another order for each.
        mixed = (keys[places, 0] ^ np.uint64(seed & (2**64 - 1))) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
        places = np.sort(places[np.lexsort((mixed * np.uint64(0xBF58476D1CE4E5B9), reason[places]))[:most]])
    return places.astype(np.int64)


def _generated_at(search: RecordedSearch) -> NDArray[np.int32]:
    first = search.edges.first(search.num_nodes)
    generated = np.full(search.num_nodes, -1, np.int32)
    reached = first >= 0
    generated[reached] = search.stepped[search.edges.source[first[reached]]]
    return generated


def _placed(decisions: list[Decision], search: RecordedSearch, kept: NDArray[np.int64]) -> list[PlacedDecision]:
    place = np.full(search.num_nodes, -1, np.int64)
    place[kept] = np.arange(len(kept))
    result = []
    for decision in decisions:
        children = place[list(decision.children)]
        kept_children = children >= 0
        if kept_children.any():
            steps: NDArray[Any] = search.edges.logprob[list(decision.edges)][kept_children]
            positive = np.array(decision.positive, np.bool_)[kept_children]
            parent = int(place[decision.node])
            result.append(PlacedDecision(parent, children[kept_children], positive, steps.astype(np.float32)))
    return result
