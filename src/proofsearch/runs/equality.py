"""Whether two runs came to the same: what a run that was killed and resumed owes to one that never was."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa

from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.folder import RunFolder
from proofsearch.runs.merging.comparison import OF_THE_MOMENT
from proofsearch.runs.names import safe_names
from proofsearch.runs.recorded import disagreements
from proofsearch.storage import PART_SUFFIX
from proofsearch.trajectory.reader import read_searches

_OF_THE_SEARCH = ("search_id", "run_id", "seconds")
"""Columns of a trajectory in which two searches of the same theorem differ even where all else is equal."""


def differences(first: Path, second: Path) -> Iterator[str]:
    """Every way in which two finished runs of one question differ, one message each.

    Left out is what can't be equal: times, memory, ids of runs and searches, how often a theorem was tried, and the
    order in which results came, which depends on which worker was first.

    Args:
        first: a run folder.
        second: another one.

    Raises:
        RunFolderError, InputError: one of them is no run folder, or damaged.
    """
    one, two = RunFolder.open(first), RunFolder.open(second)
    if one.theorems != two.theorems:
        yield f"the theorems are others: {len(one.theorems)} and {len(two.theorems)}"
    if one.fingerprint != two.fingerprint:
        yield f"the environments are others: {one.fingerprint} and {two.fingerprint}"
    ours, theirs = one.results(), two.results()
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            yield f"{name}: has a result in only one of them, {first if name in ours else second}"
            continue
        yield from _unequal(ours[name], theirs[name])
        if ours[name].proof_file and theirs[name].proof_file and one.proof(name) != two.proof(name):
            yield f"{name}: the written proofs differ"
    searches = zip_longest(read_searches([first]), read_searches([second]))
    for ours_search, theirs_search in searches:
        if ours_search is None or theirs_search is None:
            yield "one has more recorded searches"
            return
        column = _differing_column(ours_search.table, theirs_search.table)
        if column:
            yield f"{ours_search.theorem.name}: the recorded searches differ in column {column}"


def unsound(path: Path) -> Iterator[str]:
    """Every way in which a finished run folder is not what a run leaves behind, one message each.

    Raises:
        RunFolderError, InputError: no run folder, or damaged.
    """
    folder = RunFolder.open(path)
    results = folder.results()
    if folder.status != "finished":
        yield f"its status is {folder.status}"
    if left := folder.remaining():
        yield f"{len(left)} theorems have no result, such as {left[0].name}"
    yield from disagreements(folder)
    ids = [search.search_id for search in read_searches([path])]
    named = [result.search_id for result in results.values() if result.search_id]
    if sorted(ids) != sorted(named):
        yield f"{len(ids)} searches are recorded, {len(named)} are named by results"
    files = safe_names(theorem.name for theorem in folder.theorems)
    wanted = {files[name] + folder.proof_suffix for name, result in results.items() if result.proof_file}
    found = {file.name for file in (path / "proofs").iterdir()}
    for name in sorted(wanted ^ found):
        yield f"proofs/{name} is {'missing' if name in wanted else 'of no result'}"
    for stray in sorted(path.rglob(f"*{PART_SUFFIX}")):
        yield f"{stray} was left behind"
    for file in sorted((path / "trajectories").iterdir()):
        if not file.name.startswith("part-"):
            yield f"{file} was not merged"


def _unequal(one: TheoremResult, two: TheoremResult) -> Iterator[str]:
    for entry in dataclasses.fields(TheoremResult):
        ours, theirs = getattr(one, entry.name), getattr(two, entry.name)
        if ours != theirs and (entry.name not in OF_THE_MOMENT or entry.name == "proof_file"):
            yield f"{one.theorem}: {entry.name} is {ours!r} and {theirs!r}"


def _differing_column(one: pa.Table, two: pa.Table) -> str:
    """The first column in which two searches differ, times and ids aside; empty where none does."""
    for name in one.column_names:
        ours, theirs = one.column(name).to_pylist(), two.column(name).to_pylist()
        if name == "edges":
            for edge in (edge for row in (*ours, *theirs) for edge in row or ()):
                edge.pop("seconds")
        if name not in _OF_THE_SEARCH and repr(ours) != repr(theirs):  # a value that is nan equals itself here
            return name
    return ""
