"""Turns recorded searches into columns: one search at a time, of which only numbers are kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from proofsearch.errors import RunFolderError
from proofsearch.evaluation.rescoring import Rescorer
from proofsearch.measures.ranking import Decisions
from proofsearch.measures.separation import LabelledStates
from proofsearch.runs import RunFolder
from proofsearch.runs.recorded import lost_message
from proofsearch.trajectory.choices import choices, earliest_required_expansion
from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, Labels
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import OutcomeKind, Theorem

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


def read(
    folder: RunFolder,
    theorems: frozenset[str],
    *,
    neutral: bool,
    min_expansions: int | None = None,
    rescorer: Rescorer | None = None,
    on_search: Callable[[int, int], None] | None = None,
) -> Recorded:
    """Reads the searches of a run that belong to its results.

    Args:
        folder: the run.
        theorems: names of those that count.
        neutral: whether its decisions and labels can judge a value (:mod:`proofsearch.evaluation.neutrality`).
        min_expansions: as :class:`proofsearch.evaluation.settings.EvaluationSettings`.
        rescorer: whose values to take instead of the recorded ones.
        on_search: told after each search how many were read, and of how many.

    Raises:
        InputError: a trajectory file is damaged.
        RunFolderError: a search is gone, or is that of another theorem.
        ProofsearchError: what the scorer raises.
    """
    # A run that was killed may hold a search that has no result.
    wanted = {
        result.search_id: name for name, result in folder.results().items() if result.search_id and name in theorems
    }
    left = set(wanted)
    known = {theorem.name: theorem for theorem in folder.theorems}
    collected = _Collected()
    if wanted:
        for search in read_searches([folder.path]):
            if search.search_id not in left:
                continue
            left.remove(search.search_id)
            theorem = known[wanted[search.search_id]]
            if search.theorem.name != theorem.name:
                raise RunFolderError(
                    f"{folder.trajectories}: damaged: the search {search.search_id} is of {search.theorem.name!r}, "
                    f"results.jsonl says of {theorem.name!r}; restore the files from a copy"
                )
            score = None if rescorer is None else _scoring(rescorer, theorem, search)
            collected.add(search, min_expansions, score, neutral=neutral)
            if on_search is not None:
                on_search(collected.searches, len(wanted))
    if left:
        raise RunFolderError(lost_message(folder.path, [name for search, name in wanted.items() if search in left]))
    return collected.columns(own=rescorer is None or (collected.same > 0 and not collected.other))


_Score = Callable[[list[int]], list[float]]


def _scoring(rescorer: Rescorer, theorem: Theorem, search: RecordedSearch) -> _Score:
    return lambda nodes: rescorer.score(theorem, search, nodes)


@dataclass(slots=True)
class _Collected:
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

    def add(self, search: RecordedSearch, min_expansions: int | None, score: _Score | None, *, neutral: bool) -> None:
        labels = search.labels if min_expansions is None else search.relabel(min_expansions)
        self._count(search, labels.label)
        if neutral:
            self._add_judges(search, labels, score)
        self.searches += 1

    def _add_judges(self, search: RecordedSearch, labels: Labels, score: _Score | None) -> None:
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
        self.of_search += [self.searches] * len(decisions)
        kept = [labels.label[node] == POSITIVE for node in labelled.tolist()]
        self._extend("labelled.positive", np.array(kept, dtype=np.bool_))
        self._extend("labelled.remaining", np.array(labels.remaining, dtype=np.int64)[labelled])
        self._extend("labelled.theorem", np.full(len(labelled), self.searches))

    def _count(self, search: RecordedSearch, labels: list[str]) -> None:
        self.outcomes.update(search.edges.outcome.tolist())
        advanced = int((search.edges.outcome == OutcomeKind.ADVANCED).sum())
        self.advanced += advanced
        self.merged += advanced - (search.num_nodes - 1)
        self.states += search.num_nodes - 1
        if not search.proved:
            return  # nothing is labelled
        bits = {POSITIVE: 1, NEGATIVE: 2}
        for key, label in zip(search.key, labels, strict=True):
            if label in bits:
                self.judged[hash((search.theorem.name, key))] = bits[label]

    def _extend(self, name: str, values: NDArray[np.generic]) -> None:
        self.parts.setdefault(name, []).append(values)

    def columns(self, *, own: bool) -> Recorded:
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


def contradictions(runs: Iterator[Recorded]) -> int:
    """States that are positive in one of these runs and negative in another, in searches of the same theorem."""
    judged: dict[int, int] = {}
    for run in runs:
        for state, label in run.judged.items():
            judged[state] = judged.get(state, 0) | label
    return sum(label == 3 for label in judged.values())
