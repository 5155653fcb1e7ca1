"""Recorded searches as a dataset: states with labels and rows, grouped by theorem, in columns.

Only theorems with an accepted proof are in it: in a search without one every state is unknown. Theorems of the test
split are left out whatever is asked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trainers.searches import LearnableSearches
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Theorem
from proofsearch_ebm.config import RowType
from proofsearch_ebm.data.labelled import NEGATIVE_LABEL, POSITIVE_LABEL, UNKNOWN_LABEL, label_search
from proofsearch_ebm.data.merging import (
    EncodedSearch,
    MergedTheorem,
    SearchStates,
    StateDecision,
    merge_searches,
    spans,
)
from proofsearch_ebm.data.parts import PartEncoder, Parts, StoredParts
from proofsearch_ebm.data.report import DatasetReport
from proofsearch_ebm.data.row_file import RowFile
from proofsearch_ebm.data.rows import Memory, RowTable

_SAY_EVERY = 500
"""Searches between two lines of progress."""


@dataclass(frozen=True, slots=True)
class TheoremStates:
    """One theorem, all its searches merged: equal texts are one state.

    Attributes:
        theorem: what it is; with the split that its searches were recorded with.
        states: its state ids, consecutive.
        decisions: the actual sibling sets of its searches.
        searches: when each search met which states.
    """

    theorem: Theorem
    states: NDArray[np.int64]
    decisions: list[StateDecision]
    searches: list[SearchStates]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """States of proved theorems, by state id from 0 to N − 1.

    Attributes:
        theorems: by theorem index.
        parts: the rows of all states, distinct ones once; float16 if it was built so, in a file if they are many.
        label: 1 positive, 0 negative, -1 unknown; int8, shape ``(N,)``.
        leads_on: whether the state led on to the proof when a search met it, and not only back to what had been
            expanded before; false for roots. Such states are positive; bool, shape ``(N,)``.
        remaining: steps to the nearest known proof, at least 1; -1 unless positive; float32, shape ``(N,)``.
        nats: −log-probability under the recorded policy of the likeliest known proof, at least 0; -1 unless positive;
            float32, shape ``(N,)``.
        depth: steps from the root on the likeliest path; int32, shape ``(N,)``.
        num_goals: open goals, at least 1; int32, shape ``(N,)``.
        logprob: sum of the log-probabilities on the likeliest path; float32, shape ``(N,)``.
        length: characters of the text; int32, shape ``(N,)``.
        key: BLAKE2b-128 of the text; equal for equal texts, also of different theorems; uint64, shape ``(N, 2)``.
        theorem_of: theorem index; int32, shape ``(N,)``.
        encoder_fingerprint: of the encoder and the kind of parts.
        environment: name of the environment that all searches ran in.
        environment_fingerprint: hash of what it depends on, as trajectories have it.
        generators: names of the policies, sorted.
        scorers: names of the scorers, sorted.
        report: what was kept and dropped.
    """

    theorems: list[TheoremStates]
    parts: StoredParts
    label: NDArray[np.int8]
    leads_on: NDArray[np.bool_]
    remaining: NDArray[np.float32]
    nats: NDArray[np.float32]
    depth: NDArray[np.int32]
    num_goals: NDArray[np.int32]
    logprob: NDArray[np.float32]
    length: NDArray[np.int32]
    key: NDArray[np.uint64]
    theorem_of: NDArray[np.int32]
    encoder_fingerprint: str
    environment: str
    environment_fingerprint: str
    generators: tuple[str, ...]
    scorers: tuple[str, ...]
    report: DatasetReport

    @property
    def num_states(self) -> int:
        """The number of states, N."""
        return len(self.label)

    @property
    def width(self) -> int:
        """The number of columns of a row."""
        return int(self.parts.rows.shape[1])

    def gather(self, state_ids: NDArray[np.int64]) -> Parts:
        """The parts of some states, rows deduplicated within the batch, always float32.

        Args:
            state_ids: in any order, with repetitions; of any shape, read row by row. A negative id, padding, is a
                state without parts.
        """
        used, index, offsets = self.locate(state_ids)
        return Parts(self.rows(used), index, offsets)

    def locate(self, state_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where the parts of some states are: as :meth:`gather`, with the rows' numbers, increasing, for rows."""
        ids = np.asarray(state_ids, np.int64).ravel()
        real = np.maximum(ids, 0)
        starts = self.parts.offsets[real]
        counts = np.where(ids >= 0, self.parts.offsets[real + 1] - starts, 0)
        used, index = np.unique(self.parts.index[spans(starts, counts)], return_inverse=True)
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return used, index.astype(np.int64).ravel(), offsets

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """A copy of some rows, shape ``(len(numbers), width)``, float32.

        Raises:
            StorageError: they are in a file that can't be read.
        """
        return self.parts.rows[numbers].astype(np.float32, copy=False)

    def close(self) -> None:
        """Removes the file of rows, if there is one; they can't be read any more then. Idempotent."""
        if isinstance(self.parts.rows, RowFile):
            self.parts.rows.close()

    def states_of(self, theorems: Iterable[int]) -> NDArray[np.int64]:
        """The state ids of some theorems, by theorem index."""
        ranges = [self.theorems[index].states for index in theorems]
        return np.concatenate(ranges) if ranges else np.zeros(0, np.int64)


def _no_status(message: str, done: int | None) -> None:
    pass


def build_dataset(
    paths: Sequence[Path],
    encoder: PartEncoder,
    *,
    min_expansions: int,
    max_states_per_theorem: int,
    seed: int,
    say: Callable[[str], None],
    status: Callable[[str, int | None], None] = _no_status,
    row_type: RowType = "float32",
    memory: Memory | None = None,
) -> Dataset:
    """Reads, labels, merges and encodes recorded searches.

    Args:
        paths: trajectory files, folders of them, or run folders; a search that is in several is taken once.
        encoder: turns states into rows.
        min_expansions: what is demanded of negatives (:func:`proofsearch.trajectory.labels.label`).
        max_states_per_theorem: states kept of a theorem. Positives and members of decisions are kept in any case;
            then come negatives, other expanded states, and a random choice of the rest.
        seed: of that choice.
        say: gets lines for people: progress, what was dropped.
        status: told what goes on and how many searches were read.
        row_type: how rows are kept; float16 for millions of them.
        memory: where they are kept; ``None``: in memory. Close the dataset in the end.

    Raises:
        InputError: no search at all, none with an accepted proof outside the test split, searches of different
            environments, damaged or foreign files, or an encoder that returned what is no vector.
        StorageError: the rows fit neither into memory nor on the disk.
    """
    table = RowTable(encoder, row_type, memory)
    with ExitStack() as undone:
        undone.callback(table.close)
        dataset = _built(
            paths, encoder, table, min_expansions, max_states_per_theorem, seed=seed, say=say, status=status
        )
        undone.pop_all()
    if isinstance(dataset.parts.rows, RowFile) and memory is not None:
        rows = dataset.parts.rows
        size = len(rows) * dataset.width * rows.dtype.itemsize / 1e6
        say(f"{len(rows)} encoded parts of {size:.0f} MB are in a file in {memory.folder} while the training lasts")
    for line in dataset.report.sentences():
        say(line)
    return dataset


def _built(
    paths: Sequence[Path],
    encoder: PartEncoder,
    table: RowTable,
    min_expansions: int,
    max_states: int,
    *,
    seed: int,
    say: Callable[[str], None],
    status: Callable[[str, int | None], None],
) -> Dataset:
    """See :func:`build_dataset`."""
    tally: Counter[str] = Counter()
    found: dict[str, list[EncodedSearch]] = defaultdict(list)
    theorems: dict[str, Theorem] = {}
    origins: set[tuple[str, str, str, str]] = set()
    for search in _searches(paths, tally, table, say, status):
        theorems.setdefault(search.theorem.name, search.theorem)
        origins.add((search.environment, search.fingerprint, search.generator, search.scorer))
        if not search.proved:
            continue
        labelled = label_search(
            search,
            encoder.reading,
            min_expansions=min_expansions,
            max_states=max_states,
            seed=seed,
        )
        tally.update(nodes=labelled.num_nodes, empty=labelled.empty, proved=1)
        parts = labelled.parts
        index = table.add(parts)[parts.index]
        found[search.theorem.name].append(EncodedSearch(labelled.columns, labelled.decisions, index, parts.offsets))
    if not found:
        raise InputError(_nothing_to_learn(paths, tally))
    status("putting the searches of each theorem together", None)
    merged = {name: merge_searches(searches, max_states=max_states, seed=seed) for name, searches in found.items()}
    return _assembled(merged, theorems, table, tally, origins, encoder.fingerprint())


def _searches(
    paths: Sequence[Path],
    tally: Counter[str],
    table: RowTable,
    say: Callable[[str], None],
    status: Callable[[str, int | None], None],
) -> Iterator[RecordedSearch]:
    """The searches that may be learnt from; says how far it is, and counts them."""
    searches = LearnableSearches(paths, same_library=True)
    for search in searches:
        status("reading and encoding recorded searches", searches.num_read)
        if searches.num_read % _SAY_EVERY == 0:
            say(f"{searches.num_read} searches read, {tally['nodes']} states seen, {len(table)} parts")
        yield search
    tally.update(searches=searches.num_read, test_searches=searches.num_left_out)
    if searches.num_left_out:
        say(f"{searches.num_left_out} searches of theorems of the test split left out: nothing is learned from those")


def _nothing_to_learn(paths: Sequence[Path], tally: Counter[str]) -> str:
    where = ", ".join(map(str, paths)) or "no path given"
    if not tally["searches"]:
        return f"{where}: no recorded search; record some with: proofsearch search --split train --out runs/train"
    tested = f", {tally['test_searches']} of them of the test split" if tally["test_searches"] else ""
    return (
        f"{where}: {tally['searches']} searches{tested}, none that could be learned from: without an accepted proof "
        f"no state is known to be positive; record more of the training split, with a larger budget, or along the "
        f"library's own proofs: proofsearch search --split train --generator demonstrated --scorer demonstration"
    )


def _assembled(
    merged: dict[str, MergedTheorem],
    theorems: dict[str, Theorem],
    table: RowTable,
    tally: Counter[str],
    origins: Collection[tuple[str, str, str, str]],
    fingerprint: str,
) -> Dataset:
    states: list[TheoremStates] = []
    base = 0
    for name, theorem in merged.items():
        size = len(theorem.counts)
        states.append(
            TheoremStates(
                theorems[name],
                np.arange(base, base + size),
                [
                    replace(
                        decision,
                        children=decision.children + base,
                        parent=decision.parent + base if decision.parent >= 0 else -1,
                    )
                    for decision in theorem.decisions
                ],
                [replace(search, states=search.states + base) for search in theorem.searches],
            )
        )
        base += size

    merged_theorems = list(merged.values())

    def column(name: str, kind: Any) -> NDArray[Any]:
        return np.concatenate([getattr(theorem.columns, name) for theorem in merged_theorems]).astype(kind)

    used, index = np.unique(np.concatenate([theorem.index for theorem in merged_theorems]), return_inverse=True)
    offsets = np.concatenate(([0], np.cumsum(np.concatenate([theorem.counts for theorem in merged_theorems]))))
    label = column("label", np.int8)
    environments, fingerprints, generators, scorers = (sorted(set(names)) for names in zip(*origins, strict=True))
    return Dataset(
        theorems=states,
        parts=StoredParts(table.take(used), index.ravel().astype(np.int64), offsets.astype(np.int64)),
        label=label,
        leads_on=np.concatenate([theorem.leads_on for theorem in merged_theorems]),
        remaining=column("remaining", np.float32),
        nats=column("nats", np.float32),
        depth=column("depth", np.int32),
        num_goals=column("num_goals", np.int32),
        logprob=column("logprob", np.float32),
        length=column("length", np.int32),
        key=column("key", np.uint64),
        theorem_of=np.repeat(np.arange(len(states), dtype=np.int32), [len(theorem.states) for theorem in states]),
        encoder_fingerprint=fingerprint,
        environment=environments[0],
        environment_fingerprint=fingerprints[0],
        generators=tuple(generators),
        scorers=tuple(scorers),
        report=_report(merged.values(), tally, label, len(used)),
    )


def _report(
    merged: Collection[MergedTheorem], tally: Counter[str], label: NDArray[np.int8], parts: int
) -> DatasetReport:
    """What was read, kept and dropped."""
    doubles, conflicts = sum(theorem.merged for theorem in merged), sum(theorem.conflicts for theorem in merged)
    return DatasetReport(
        searches=tally["searches"],
        proved=tally["proved"],
        test_searches=tally["test_searches"],
        theorems=len(merged),
        nodes=tally["nodes"],
        states=len(label),
        empty=tally["empty"],
        merged=doubles,
        conflicts=conflicts,
        over_limit=tally["nodes"] - tally["empty"] - len(label) - doubles - conflicts,
        positives=int((label == POSITIVE_LABEL).sum()),
        negatives=int((label == NEGATIVE_LABEL).sum()),
        unknown=int((label == UNKNOWN_LABEL).sum()),
        decisions=sum(len(theorem.decisions) for theorem in merged),
        decisions_dropped=sum(theorem.decisions_dropped for theorem in merged),
        decisions_merged=sum(theorem.decisions_merged for theorem in merged),
        parts=parts,
    )
