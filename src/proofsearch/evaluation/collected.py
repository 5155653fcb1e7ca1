"""The columns that recorded searches are turned into, as they grow: only numbers are kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from proofsearch.measures.ranking import Decisions
from proofsearch.measures.separation import LabelledStates
from proofsearch.trajectory.choices import choices, earliest_required_expansion
from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, Labels
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.together import Together
from proofsearch.types import OutcomeKind

BASELINES = ("logprob", "normalized", "goals", "length", "logprob_goals")
"""The scores that need no value; each higher is better:

* ``logprob``: log-probability of the best path;
* ``normalized``: that over the path's tokens;
* ``goals``: minus the number of open goals;
* ``length``: minus the characters of the state's text;
* ``logprob_goals``: ``logprob`` + ``goals``, the search's own order without a value.
"""


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of the children at decisions or of labelled states, as columns of shape ``(n,)``.

    Attributes:
        value: the scorer's, ``nan`` where it gave none; at decisions that of the parent stands in, as in the search.
        baselines: by the names of :data:`BASELINES`.
    """

    value: NDArray[np.float64]
    baselines: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run's trajectories hold.

    Attributes:
        searches: how many were read.
        own: whether the values are those that ordered the run, recorded or computed again.
        decisions: theirs, see :mod:`proofsearch.trajectory.choices`; none of a run that is not neutral.
        at_decisions: scores of the children at these.
        labelled: negative states, and those positive ones that lead on: from which the proof can be reached through
            states expanded later than the one that the state came from. A state that is only provable by a way back is
            no merit of it. Roots are left out, as no search ever chooses them; none of a run that is not neutral.
        of_labelled: their scores.
        states: how many there are, roots left out.
        advanced: steps that led to a state.
        merged: those of them that led to a state that was known already.
        steps: what became of all steps, by the outcome's name in lower case.
        judged: labels by a hash of theorem and state: 1 positive, 2 negative; to find contradictions between runs.
    """

    searches: int
    own: bool
    decisions: Decisions
    at_decisions: Scores
    labelled: LabelledStates
    of_labelled: Scores
    states: int
    advanced: int
    merged: int
    steps: dict[str, int]
    judged: dict[int, int]


Score = Callable[[list[int]], list[float]]
"""Values of some nodes of a search, by number."""


@dataclass(slots=True)
class Collected:
    """The columns as they grow."""

    searches: int = 0
    same: int = 0
    other: int = 0
    states: int = 0
    advanced: int = 0
    merged: int = 0
    outcomes: Counter[int] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)
    depth: list[int] = field(default_factory=list)
    of_search: list[int] = field(default_factory=list)
    parts: dict[str, list[NDArray[np.generic]]] = field(default_factory=dict)
    judged: dict[int, int] = field(default_factory=dict)

    def add(self, search: RecordedSearch, min_expansions: int | None, score: Score | None) -> None:
        """Adds a search that can judge a value."""
        labels = search.labels if min_expansions is None else search.relabel(min_expansions)
        self._count(1, search.num_nodes, search.edges.outcome)
        self._judge(search, labels.label)
        self._add_judges(search, labels, score)

    def add_counts(self, group: Together, min_expansions: int | None) -> None:
        """Adds searches that can't."""
        searches = len(group.starts) - 1
        edges: Any = pc.list_flatten(group.table.column("edges").combine_chunks())
        self._count(searches, group.table.num_rows, edges.field("outcome").to_numpy())
        for number, proved in enumerate(group.facts("proved")):
            if proved:  # otherwise nothing is labelled
                search = RecordedSearch(group.search(number))
                labels = search.labels if min_expansions is None else search.relabel(min_expansions)
                self._judge(search, labels.label)

    def _add_judges(self, search: RecordedSearch, labels: Labels, score: Score | None) -> None:
        """Adds the decisions and the labelled states, which a value is judged by."""
        onward = earliest_required_expansion(search)
        decisions = list(choices(search, onward))
        labelled = _labelled(search, labels, onward)
        children = np.array([child for decision in decisions for child in decision.children], dtype=np.int64)
        sizes = [len(decision.children) for decision in decisions]
        parents = np.repeat(np.array([decision.node for decision in decisions], dtype=np.int64), sizes)
        value = search.value
        if score is not None:
            nodes = np.unique(np.concatenate([children, parents, labelled]))
            value = np.full(search.num_nodes, math.nan)
            value[nodes] = score(nodes.tolist())
            both = nodes[~np.isnan(value[nodes]) & ~np.isnan(search.value[nodes])]
            same = int(np.isclose(value[both], search.value[both], rtol=1e-6, atol=0).sum())
            self.same += same
            self.other += len(both) - same
        of_children = np.where(np.isnan(value[children]), value[parents], value[children])
        length = pc.utf8_length(search.table.column("text")).to_numpy().astype(np.float64)
        for name, nodes, values in (("decisions", children, of_children), ("labelled", labelled, value[labelled])):
            self._extend(f"{name}.value", values)
            logprob, goals = search.logprob[nodes], search.num_goals[nodes].astype(np.float64)
            self._extend(f"{name}.logprob", logprob)
            self._extend(f"{name}.normalized", logprob / np.maximum(search.num_tokens[nodes], 1))
            self._extend(f"{name}.goals", -goals)
            self._extend(f"{name}.length", -length[nodes])
            self._extend(f"{name}.logprob_goals", logprob - goals)
        positive = [flag for decision in decisions for flag in decision.positive]
        self._extend("decisions.positive", np.array(positive, dtype=np.bool_))
        self.sizes += sizes
        self.depth += [int(search.depth[decision.node]) for decision in decisions]
        self.of_search += [self.searches - 1] * len(decisions)
        kept = [labels.label[node] == POSITIVE for node in labelled.tolist()]
        self._extend("labelled.positive", np.array(kept, dtype=np.bool_))
        self._extend("labelled.remaining", np.array(labels.remaining, dtype=np.int64)[labelled])
        self._extend("labelled.theorem", np.full(len(labelled), self.searches - 1))

    def _count(self, searches: int, nodes: int, outcomes: NDArray[np.int8]) -> None:
        kinds, counts = np.unique(outcomes, return_counts=True)
        self.outcomes.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
        advanced = int((outcomes == OutcomeKind.ADVANCED).sum())
        self.advanced += advanced
        self.merged += advanced - (nodes - searches)
        self.states += nodes - searches
        self.searches += searches

    def _judge(self, search: RecordedSearch, labels: list[str]) -> None:
        """Adds what a search says of its states, for those of other runs."""
        if not search.proved:
            return  # nothing is labelled
        theorem = search.table.column("theorem")[0].as_py()
        bits = {POSITIVE: 1, NEGATIVE: 2}
        for key, label in zip(search.key, labels, strict=True):
            if label in bits:
                self.judged[hash((theorem, key))] = bits[label]

    def _extend(self, name: str, values: NDArray[np.generic]) -> None:
        self.parts.setdefault(name, []).append(values)

    def columns(self, *, own: bool) -> Recorded:
        """What was collected; ``own`` as in :class:`Recorded`."""

        def column(name: str) -> NDArray[np.float64]:
            return np.concatenate([np.zeros(0), *self.parts.get(name, [])])

        def scores(prefix: str) -> Scores:
            return Scores(
                column(f"{prefix}.value"),
                {name: column(f"{prefix}.{name}") for name in BASELINES},
            )

        ends = np.cumsum(np.array(self.sizes, dtype=np.int64))
        return Recorded(
            searches=self.searches,
            own=own,
            decisions=Decisions(
                start=ends - np.array(self.sizes, dtype=np.int64),
                depth=np.array(self.depth, dtype=np.int64),
                theorem=np.array(self.of_search, dtype=np.int64),
                theorems=self.searches,
                positive=column("decisions.positive").astype(np.bool_),
            ),
            at_decisions=scores("decisions"),
            labelled=LabelledStates(
                positive=column("labelled.positive").astype(np.bool_),
                remaining=column("labelled.remaining").astype(np.int64),
                theorem=column("labelled.theorem").astype(np.int64),
            ),
            of_labelled=scores("labelled"),
            states=self.states,
            advanced=self.advanced,
            merged=self.merged,
            steps={kind.name.lower(): self.outcomes[kind] for kind in OutcomeKind if self.outcomes[kind]},
            judged=self.judged,
        )


def _labelled(search: RecordedSearch, labels: Labels, onward: Sequence[int]) -> NDArray[np.int64]:
    """The states that a score is to tell apart: see :class:`Recorded`."""
    edges = search.edges.for_labels()
    reached = [search.num_nodes] * search.num_nodes
    for edge, source in enumerate(edges.source):
        for target in edges.targets(edge):
            reached[target] = min(reached[target], int(search.stepped[source]))
    return np.array(
        [
            node
            for node, label in enumerate(labels.label)
            if node and (label == NEGATIVE or (label == POSITIVE and onward[node] > reached[node]))
        ],
        dtype=np.int64,
    )
