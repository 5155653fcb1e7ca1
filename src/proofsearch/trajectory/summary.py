"""What ``proofsearch trajectories summary``, ``head``, ``check`` and ``merge`` show and do, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from proofsearch.errors import InputError, UsageError
from proofsearch.graph import check_graph
from proofsearch.storage.outputs import check_file, write_file
from proofsearch.trajectory.files import trajectory_files
from proofsearch.trajectory.labels import NEGATIVE, POSITIVE, UNKNOWN
from proofsearch.trajectory.merging import merge_into
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.trajectory.table import state_key
from proofsearch.types import OutcomeKind


@dataclass(frozen=True, slots=True)
class Summary:
    """What some trajectories hold.

    Attributes:
        files: how many files.
        bytes: their size.
        searches: searches, each once.
        theorems: different theorems.
        proved: searches whose proof was accepted.
        nodes: states, each once a search.
        expanded: those expanded.
        edges: steps tried.
        merged: advancing steps that led to a state already known.
        without_value: states that the scorer gave no value.
        decisions: see :class:`proofsearch.trajectory.labels.Decision`.
        conflicting: states that are positive in one search of a theorem and negative in another of the same theorem.
        labels: nodes by label.
        outcomes: edges by the outcome's name in lower case.
        status: searches by status.
        splits: searches by split.
        components: searches by ``(environment, generator, scorer)``.
    """

    files: int
    bytes: int
    searches: int
    theorems: int
    proved: int
    nodes: int
    expanded: int
    edges: int
    merged: int
    without_value: int
    decisions: int
    conflicting: int
    labels: Mapping[str, int]
    outcomes: Mapping[str, int]
    status: Mapping[str, int]
    splits: Mapping[str, int]
    components: Mapping[tuple[str, str, str], int]

    @property
    def bytes_per_node(self) -> float:
        """Size on disk for each state; 0 where there is none."""
        return self.bytes / self.nodes if self.nodes else 0.0


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a trajectory.

    Attributes:
        path: the place that was read.
        search_id: the search; empty where a whole file can't be read.
        message: what was found and what was expected.
    """

    path: Path
    search_id: str
    message: str


def summarize(paths: Sequence[Path]) -> Summary:
    """Counts what trajectories hold.

    Args:
        paths: trajectory files, folders of them, or run folders.

    Raises:
        InputError: see :func:`proofsearch.trajectory.reader.read_searches`.
    """
    files = {file for path in paths for file in trajectory_files(path)}
    size = sum(file.stat().st_size for file in files)
    counts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    outcomes: Counter[int] = Counter()
    status: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    components: Counter[tuple[str, str, str]] = Counter()
    theorems: set[str] = set()
    judged: dict[tuple[str, str], set[str]] = {}
    for search in read_searches(paths):
        theorems.add(search.theorem.name)
        status[search.status] += 1
        splits[search.theorem.split] += 1
        components[search.environment, search.generator, search.scorer] += 1
        labels.update(search.labels.label)
        outcomes.update(search.edges.outcome.tolist())
        advanced = int((search.edges.outcome == OutcomeKind.ADVANCED).sum())
        advanced += sum(map(len, search.edges.also.values()))
        counts.update(
            searches=1,
            proved=int(search.proved),
            nodes=search.num_nodes,
            expanded=int(search.expanded.sum()),
            edges=len(search.edges),
            merged=advanced - (search.num_nodes - 1),
            without_value=int(np.isnan(search.value).sum()),
            decisions=sum(1 for _ in search.decisions()),
        )
        for key, label in zip(search.key, search.labels.label, strict=True):
            if label in (POSITIVE, NEGATIVE):
                judged.setdefault((search.theorem.name, key), set()).add(label)
    return Summary(
        files=len(files),
        bytes=size,
        searches=counts["searches"],
        theorems=len(theorems),
        proved=counts["proved"],
        nodes=counts["nodes"],
        expanded=counts["expanded"],
        edges=counts["edges"],
        merged=counts["merged"],
        without_value=counts["without_value"],
        decisions=counts["decisions"],
        conflicting=sum(len(found) > 1 for found in judged.values()),
        labels=dict(sorted(labels.items())),
        outcomes={kind.name.lower(): outcomes[kind] for kind in OutcomeKind if outcomes[kind]},
        status=dict(sorted(status.items())),
        splits=dict(sorted(splits.items())),
        components=dict(sorted(components.items())),
    )


def head(paths: Sequence[Path], rows: int = 10, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The first rows, as plain values by column.

    Args:
        paths: trajectory files, folders of them, or run folders.
        rows: how many at most.
        columns: which; all by default.

    Raises:
        UsageError: an unknown column; the message names those that exist.
        InputError: see :func:`proofsearch.trajectory.reader.read_searches`.
    """
    found: list[dict[str, Any]] = []
    for search in read_searches(paths):
        table = search.table.slice(0, rows - len(found))
        if columns is not None:
            unknown = [name for name in columns if name not in table.column_names]
            if unknown:
                raise UsageError(f"no column {unknown[0]!r} in trajectories; known: {', '.join(table.column_names)}")
            table = table.select(list(columns))
        found += table.to_pylist()
        if len(found) >= rows:
            break
    return found


def check(paths: Iterable[Path], *, most: int = 100) -> list[Problem]:
    """Looks for everything that a trajectory must not be; reads every search whole.

    Args:
        paths: trajectory files, folders of them, or run folders.
        most: stop after so many problems.

    Returns:
        The problems found; none if all is well. A file that can't be read is a problem too.

    Raises:
        InputError: a path is missing or holds no trajectories.
    """
    problems: list[Problem] = []
    for path in paths:
        for file in trajectory_files(path):
            try:
                for search in read_searches([file]):
                    found = (Problem(file, search.search_id, message) for message in _wrong(search))
                    problems += islice(found, most - len(problems))
            except InputError as error:
                problems.append(Problem(file, "", str(error)))
            if len(problems) >= most:
                return problems[:most]
    return problems


def merge(paths: Sequence[Path], out: Path, *, overwrite: bool = False) -> int:
    """Merges trajectories into one file; a search that is in several is taken once.

    Args:
        paths: trajectory files, folders of them, or run folders.
        out: the file to write; missing folders on the way there are made.
        overwrite: a file there may be replaced, if it is none of those that are read.

    Returns:
        The number of searches in it.

    Raises:
        UsageError: something is in the way, or ``out`` is read.
        InputError: see :func:`proofsearch.trajectory.reader.read_searches`.
        StorageError: ``out`` can't be written.
    """
    files = [file for path in paths for file in trajectory_files(path)]
    # In a folder that is read the merged file would be read the next time, as one more of them.
    inputs = [*files, *(path / "trajectories" if (path / "run.json").is_file() else path for path in paths)]
    check_file(out, inputs=inputs, overwrite=overwrite)
    count = 0

    def write(stream: BinaryIO) -> None:
        nonlocal count
        count = merge_into(stream, files)

    write_file(out, write, inputs=inputs, overwrite=overwrite)
    return count


def _wrong(search: RecordedSearch) -> Iterable[str]:
    """What is wrong with a search, one message each."""
    table = search.table
    for name in ("theorem", "run_id", "status", "proved", "proof_edge", "seed", "min_expansions", "num_nodes"):
        if len(table.column(name).unique()) > 1:
            yield f"column {name} differs between the rows of one search"
    if len(set(search.key)) < search.num_nodes:
        yield "two nodes have the same state; equal states must be one node"
    for node, (key, text) in enumerate(zip(search.key, search.text, strict=True)):
        if not text:
            yield f"node {node} has an empty text"
        if key != state_key(text):
            yield f"node {node}: key {key} is not the hash of its text, {state_key(text)}"
    goals = [len(row or ()) for row in table.column("goals").to_pylist()]
    for node, (count, num_goals) in enumerate(zip(goals, search.num_goals.tolist(), strict=True)):
        if not count == num_goals >= 1:
            yield f"node {node}: num_goals is {num_goals}, with {count} goals; expected as many, at least 1"
    try:
        graph = search.graph()
        check_graph(graph)
    except (InputError, AssertionError) as error:
        yield str(error)
        return
    for node, parents in enumerate(search.parents):
        if tuple(parents) != graph.parents(node):
            yield f"node {node}: parents are {parents}, its edges say {list(graph.parents(node))}"
    for node, (recorded, computed) in enumerate(zip(search.recorded_labels.label, search.labels.label, strict=True)):
        # Earlier versions wrote negative where nothing was answered; no reader takes the label from the file.
        if recorded != computed and (recorded, computed) != (NEGATIVE, UNKNOWN):
            yield f"node {node} is labelled {recorded}, its edges say {computed}"
    if search.recorded_labels.remaining != search.labels.remaining:
        yield "column remaining disagrees with the edges"
    edge = search.proof_edge
    if search.proved != (edge >= 0):
        yield f"proved is {search.proved} but proof_edge is {edge}"
    elif edge >= 0 and (edge >= graph.num_edges or not _completes(search, edge)):
        yield f"proof_edge {edge} is no edge that finished"
    elif edge >= 0 and not (search.on_proof[0] and search.on_proof[graph.edge_source[edge]]):
        yield "the root or the last node of the proof is not marked on_proof"


def _completes(search: RecordedSearch, edge: int) -> bool:
    """Whether an edge can complete a proof: it finished, or what it leads to was proved before it."""
    if search.edges.outcome[edge] == OutcomeKind.FINISHED:
        return True
    targets, source = search.edges.targets(edge), search.edges.source[edge]
    return bool(targets) and all(
        search.on_proof[target] and 0 <= search.expansion[target] < search.expansion[source] for target in targets
    )
