"""Turns recorded searches into columns, of which only numbers are kept: one at a time where they judge a value.

Where they can't, there is little to count, and it is counted many searches at a time (:mod:`trajectory.together
<proofsearch.trajectory.together>`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from proofsearch.errors import RunFolderError
from proofsearch.evaluation.collected import Collected, Recorded, Score
from proofsearch.evaluation.rescoring import Rescorer
from proofsearch.runs import RunFolder
from proofsearch.runs.recorded import lost_message
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.together import read_together
from proofsearch.types import Theorem


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
    if not neutral:
        return _count_together(folder, wanted, min_expansions, on_search)
    left = set(wanted)
    known = {theorem.name: theorem for theorem in folder.theorems}
    collected = Collected()
    if wanted:
        for search in read_searches([folder.path]):
            if search.search_id not in left:
                continue
            left.remove(search.search_id)
            theorem = known[wanted[search.search_id]]
            _refuse_another(folder, search.search_id, search.theorem.name, theorem.name)
            score = None if rescorer is None else _scoring(rescorer, theorem, search)
            collected.add(search, min_expansions, score)
            if on_search is not None:
                on_search(collected.searches, len(wanted))
    _refuse_lost(folder, wanted, left)
    return collected.columns(own=rescorer is None or (collected.same > 0 and not collected.other))


_COUNTED = ("theorem", "key", "expanded", "first_edge", "edges", "proved", "min_expansions")
"""The columns without decisions and scores; of edges, :data:`_COUNTED_OF_EDGES`."""

_COUNTED_OF_EDGES = ("outcome", "target", "also")


def _count_together(
    folder: RunFolder,
    wanted: Mapping[str, str],
    min_expansions: int | None,
    on_search: Callable[[int, int], None] | None,
) -> Recorded:
    """Reads the searches of a run that can judge no value: many at a time, and few columns of them."""
    left = set(wanted)
    collected = Collected()
    for group in read_together(folder.path, _COUNTED, _COUNTED_OF_EDGES) if wanted else ():
        found = group.only([one in left for one in group.facts("search_id")])
        ids = list(map(str, found.facts("search_id")))
        for search_id, theorem in zip(ids, map(str, found.facts("theorem")), strict=True):
            _refuse_another(folder, search_id, theorem, wanted[search_id])
        left.difference_update(ids)
        collected.add_counts(found, min_expansions)
        if on_search is not None and ids:
            on_search(collected.searches, len(wanted))
    _refuse_lost(folder, wanted, left)
    return collected.columns(own=True)


def _refuse_another(folder: RunFolder, search_id: str, found: str, theorem: str) -> None:
    """Refuses a search that is of another theorem than the run's results say."""
    if found != theorem:
        raise RunFolderError(
            f"{folder.trajectories}: damaged: the search {search_id} is of {found!r}, results.jsonl says of "
            f"{theorem!r}; restore the files from a copy"
        )


def _refuse_lost(folder: RunFolder, wanted: Mapping[str, str], left: Collection[str]) -> None:
    """Refuses a run of which searches are gone."""
    if left:
        raise RunFolderError(lost_message(folder.path, [name for search, name in wanted.items() if search in left]))


def _scoring(rescorer: Rescorer, theorem: Theorem, search: RecordedSearch) -> Score:
    return lambda nodes: rescorer.score(theorem, search, nodes)


def contradictions(runs: Iterator[Recorded]) -> int:
    """States that are positive in one of these runs and negative in another, in searches of the same theorem."""
    judged: dict[int, int] = {}
    for run in runs:
        for state, label in run.judged.items():
            judged[state] = judged.get(state, 0) | label
    return sum(label == 3 for label in judged.values())
