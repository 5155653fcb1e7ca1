"""All searches of one theorem as one: equal texts become one state, with one label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch_ebm.data.labelled import (
    NEGATIVE_LABEL,
    POSITIVE_LABEL,
    UNKNOWN_LABEL,
    PlacedDecision,
    SearchColumns,
    choose,
)

_NAMES = tuple(field.name for field in fields(SearchColumns))


@dataclass(frozen=True, slots=True)
class StateDecision:
    """The children that one expanded state of one search left to be had, at least two, at least one positive.

    A child that is not positive is not known to lead on: losses may contrast it with the positive ones, labels may
    not call it negative. It may even be provable, by way of states expanded before
    (:mod:`proofsearch.trajectory.choices`).

    Attributes:
        children: state ids, in the order of their first edges.
        positive: whether each led on to the proof, through states expanded later; shape of ``children``. The label
            of such a child is positive, too.
        logprob: log-probability of the tactic that first reached each; shape of ``children``.
        parent: state id; -1 if the parent itself was dropped.
        search: the search, by its place in ``TheoremStates.searches``.
    """

    children: NDArray[np.int64]
    positive: NDArray[np.bool_]
    logprob: NDArray[np.float32]
    parent: int
    search: int


@dataclass(frozen=True, slots=True)
class SearchStates:
    """The kept states of one search, in the order in which it met them; each array of shape ``(n,)``.

    Attributes:
        states: state ids, each once.
        generated: the expansion that first reached the state, by its place in the order; -1 for the root.
        expanded: the state's own place in that order; -1 if it was not expanded.
        onward: the state leads on at any time before this; -1 where no way leads to the proof.
    """

    states: NDArray[np.int64]
    generated: NDArray[np.int32]
    expanded: NDArray[np.int32]
    onward: NDArray[np.int32]

    def rivals(self, state: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The states that were on the frontier at some time while ``state`` was: it competed with them.

        They were met no later than ``state`` was expanded, and not expanded before it was met. None where this search
        did not meet the state.

        Returns:
            Their ids, and whether each led on to the proof when both had been met.
        """
        at = np.flatnonzero(self.states == state)
        if not len(at):
            return np.zeros(0, np.int64), np.zeros(0, np.bool_)
        met, left = int(self.generated[at[0]]), int(self.expanded[at[0]])
        here = (self.expanded < 0) | (self.expanded > met)
        if left >= 0:
            here &= self.generated < left
        here[at[0]] = False
        return self.states[here], (self.onward > np.maximum(self.generated, met))[here]

    def mistakes(self, state: int) -> NDArray[np.int64]:
        """The rivals of ``state`` that did not lead on and that the search expanded: those that looked better once."""
        rivals, onward = self.rivals(state)
        return np.setdiff1d(np.intersect1d(rivals[~onward], self.states[self.expanded >= 0]), [state])


@dataclass(frozen=True, slots=True)
class MergedTheorem:
    """The states of one theorem, by ids from 0 within it.

    Attributes:
        columns: of the states; ``generated``, ``expanded`` and ``onward`` are one search's and mean nothing here.
        leads_on: whether each state led on to the proof when some search met it; no search chose to meet its root.
        searches: one a search.
        decisions: of all searches; equal ones once.
        index: the rows of the states' parts, one state after the other, shape ``(M,)``.
        counts: parts of each state.
        merged: occurrences of a state beyond its first.
        conflicts: states dropped because one search calls them positive and another negative.
        decisions_dropped: decisions left without a positive or without another child.
        decisions_merged: decisions that another search repeats.
    """

    columns: SearchColumns
    leads_on: NDArray[np.bool_]
    searches: list[SearchStates]
    decisions: list[StateDecision]
    index: NDArray[np.int64]
    counts: NDArray[np.int64]
    merged: int
    conflicts: int
    decisions_dropped: int
    decisions_merged: int


@dataclass(frozen=True, slots=True)
class EncodedSearch:
    """One search, its texts gone: as :class:`~proofsearch_ebm.data.labelled.LabelledSearch`, with rows for parts.

    Attributes:
        columns: of its kept states.
        decisions: by place in the columns.
        index: the rows of the states' parts, one state after the other, shape ``(M,)``.
        offsets: where each state's begin in ``index``, shape ``(n + 1,)``.
    """

    columns: SearchColumns
    decisions: list[PlacedDecision]
    index: NDArray[np.int64]
    offsets: NDArray[np.int64]


def _joined(several: Sequence[SearchColumns]) -> SearchColumns:
    """The rows of several, one after the other."""
    return SearchColumns(**{name: np.concatenate([getattr(columns, name) for columns in several]) for name in _NAMES})


def _take(columns: SearchColumns, at: NDArray[np.int64]) -> SearchColumns:
    """Some of the rows."""
    return SearchColumns(**{name: getattr(columns, name)[at] for name in _NAMES})


def merge_searches(searches: Sequence[EncodedSearch], *, max_states: int, seed: int) -> MergedTheorem:
    """Merges the searches of one theorem.

    A state is positive if any search found a proof below it, else negative if any labels it so. What is both is
    dropped, since one of the two is wrong. Remaining steps and nats are the fewest of all searches; depth and
    log-probability those of the likeliest path.

    Args:
        searches: at least one.
        max_states: as :func:`~proofsearch_ebm.data.labelled.label_search` takes it.
        seed: likewise.
    """
    rows = _joined([search.columns for search in searches])
    number = _numbered(rows.key)
    count = int(number.max()) + 1 if len(number) else 0

    def is_any(rows_that: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether it holds in any search, for each state."""
        answer = np.zeros(count, np.bool_)
        answer[number[rows_that]] = True
        return answer

    positive, negative = is_any(rows.label == POSITIVE_LABEL), is_any(rows.label == NEGATIVE_LABEL)
    leads_on = is_any((rows.generated >= 0) & (rows.onward > rows.generated))
    reason = np.full(count, np.iinfo(np.int8).max, np.int8)
    np.minimum.at(reason, number, rows.reason)
    remaining = _least(rows.remaining, number, count)
    nats = _least(rows.nats, number, count)
    label = np.full(count, UNKNOWN_LABEL, np.int8)
    label[negative] = NEGATIVE_LABEL
    label[positive] = POSITIVE_LABEL

    order = np.lexsort((np.arange(len(number)), -rows.logprob, number))
    best = order[np.searchsorted(number[order], np.arange(count))]
    conflict = positive & negative
    kept = choose(rows.key[best], reason, ~conflict, max_states, seed)
    new = np.full(count, -1, np.int64)
    new[kept] = np.arange(len(kept))

    at = best[kept]
    columns = replace(
        _take(rows, at),
        label=label[kept],
        remaining=remaining[kept],
        nats=nats[kept],
        reason=reason[kept],
    )
    bounds = np.cumsum([0] + [len(search.columns.label) for search in searches])
    places = [new[number[start:end]] for start, end in pairwise(bounds.tolist())]
    decisions, tally = _decisions(searches, places, columns.label == POSITIVE_LABEL)

    index = np.concatenate([search.index for search in searches])
    starts = _starts([search.offsets for search in searches])
    counts = np.concatenate([np.diff(search.offsets) for search in searches])[at]
    return MergedTheorem(
        columns=columns,
        leads_on=leads_on[kept],
        searches=[_states_of(search.columns, place) for search, place in zip(searches, places, strict=True)],
        decisions=decisions,
        index=index[spans(starts[at], counts)],
        counts=counts,
        merged=len(number) - count,
        conflicts=int(conflict.sum()),
        decisions_dropped=tally["dropped"],
        decisions_merged=tally["merged"],
    )


def _least(known: NDArray[Any], number: NDArray[np.int64], count: int) -> NDArray[Any]:
    """The least of each state's numbers, shape ``(count,)``; those below 0 stand for what is not known."""
    least = np.full(count, -1, known.dtype)
    rows = np.flatnonzero(known >= 0)
    rows = rows[np.argsort(-known[rows], kind="stable")]
    least[number[rows]] = known[rows]  # of several assignments the last stays: the least
    return least


def _states_of(columns: SearchColumns, place: NDArray[np.int64]) -> SearchStates:
    here = place >= 0
    return SearchStates(place[here], columns.generated[here], columns.expanded[here], columns.onward[here])


def spans(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers ``starts[i] … starts[i] + counts[i] − 1`` for each i, one run after the other."""
    ends = np.cumsum(counts)
    numbers: NDArray[np.int64] = np.arange(int(ends[-1]) if len(ends) else 0)
    numbers += np.repeat(starts - (ends - counts), counts)
    return numbers


def _starts(offsets: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """The beginnings of all items when arrays with these offsets are put one after the other, without the last end."""
    moved: list[NDArray[np.int64]] = []
    before = 0
    for own in offsets:
        moved.append(own[:-1] + before)
        before += int(own[-1])
    return np.concatenate(moved)


def _numbered(key: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Numbers equal keys alike, from 0 in the order of their first occurrence."""
    whole = np.ascontiguousarray(key).view("V16").ravel()
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    rank: NDArray[np.int64] = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: NDArray[np.int64] = rank[inverse.ravel()]
    return numbered


def _decisions(
    searches: Sequence[EncodedSearch], places: Sequence[NDArray[np.int64]], positive: NDArray[np.bool_]
) -> tuple[list[StateDecision], Counter[str]]:
    tally: Counter[str] = Counter()
    seen: set[tuple[int, bytes]] = set()
    made = []
    for number, (search, place) in enumerate(zip(searches, places, strict=True)):
        for decision in search.decisions:
            children = place[decision.children]
            here = children >= 0
            children = children[here]
            # A child that leads on from here, and whose label no other search of the theorem contradicts.
            leads = decision.positive[here] & positive[children]
            if len(children) < 2 or not leads.any():
                tally["dropped"] += 1
                continue
            parent = int(place[decision.parent]) if decision.parent >= 0 else -1
            same = (parent, np.sort(children).tobytes())
            if parent >= 0 and same in seen:
                tally["merged"] += 1
                continue
            seen.add(same)
            made.append(StateDecision(children, leads, decision.logprob[here], parent, number))
    return made, tally
