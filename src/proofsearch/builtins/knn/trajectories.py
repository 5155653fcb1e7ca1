"""Recorded searches as a memory for the policy ``knn``: the proofs that they found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from proofsearch.builtins.knn.steps import Step
from proofsearch.trajectory.files import trajectory_files
from proofsearch.trajectory.reader import read_searches, search_ids
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Goal, Theorem


def recorded_ids(path: Path) -> list[str]:
    """The ids of the searches recorded at a path, sorted: what a memory made of them depends on.

    Raises:
        InputError: nothing is there, or it can't be read.
    """
    return sorted(frozenset[str]().union(*map(search_ids, trajectory_files(path))))


def recorded_theorems(path: Path) -> list[Theorem]:
    """The theorems that the searches at a path were about, each once; raises as :func:`recorded_ids`."""
    return list({search.theorem.name: search.theorem for search in read_searches([path])}.values())


def recorded_steps(path: Path, theorems: Sequence[Theorem]) -> Iterator[Step]:
    """The proofs found, step by step, in the order of ``theorems``; of a theorem without one its statement only."""
    found: dict[str, list[tuple[Goal, str | None]]] = {theorem.name: [] for theorem in theorems}
    for search in read_searches([path]):
        steps = found.get(search.theorem.name)
        if steps is None:
            continue  # recorded since the theorems were read
        if search.proved:
            # A statement without a tactic, kept from a search that failed, is no longer needed.
            steps[:] = [step for step in steps if step[1] is not None]
            steps += proof_steps(search)
        elif not steps:
            steps.append((search.state(0).goals[0], None))
    for number, theorem in enumerate(theorems):
        for goal, tactic in found[theorem.name]:
            yield Step(number, goal, tactic)


def proof_steps(search: RecordedSearch) -> list[tuple[Goal, str]]:
    """The first goals on the way to a proved search's proof, root first, with the tactics taken."""
    edges = search.edges
    return [(search.state(int(edges.source[edge])).goals[0], edges.tactic[edge]) for edge in search.proof()]
