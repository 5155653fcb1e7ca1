"""Where the memory of the policy ``knn`` comes from: the library's proofs, or recorded searches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from proofsearch.builtins.features import FEATURES_VERSION, FeatureExtractor
from proofsearch.builtins.knn_cache import open_or_build
from proofsearch.builtins.knn_index import INDEX_VERSION, ExampleIndex
from proofsearch.builtins.knn_writer import IndexWriter
from proofsearch.errors import UsageError
from proofsearch.protocols import Demonstrates, Environment
from proofsearch.registry import Builder
from proofsearch.types import Goal, Theorem

Memory = Literal["split", "chronological"]

MAX_FREQUENCY = 0.05
"""Features of more than this share of the examples are left out of the index."""
_CHUNK = 20_000
"""Examples whose features are extracted at a time."""

Pair = tuple[int, Goal, str]
"""A theorem's index, the first goal of a state in its proof, and the tactic that the proof took there."""


def open_memory(builder: Builder, memory: Memory, use_trees: bool) -> ExampleIndex:
    """The index over the library's proofs, built on first use and kept in ``builder.cache``.

    Args:
        builder: gives the environment and the cache folder.
        memory: ``"split"``: theorems of the split ``"train"``, or, where the environment doesn't split, all of them;
            ``"chronological"``: all theorems, of which a target will see those before it.
        use_trees: read goals' trees where there are any.

    Raises:
        UsageError: the environment has no proofs to learn from, no training theorems, or no order.
        StorageError: the cache can't be written.
    """
    environment = builder.environment()
    if not isinstance(environment, Demonstrates):
        raise UsageError(
            "the generator 'knn' learns from proofs, and this environment has none to show; "
            "give it recorded searches with --knn-trajectories, or choose another --generator"
        )
    theorems = _remembered(environment, memory)
    parts = [
        INDEX_VERSION,
        FEATURES_VERSION,
        MAX_FREQUENCY,
        use_trees,
        memory,
        sorted(environment.fingerprint().items()),
        [(theorem.name, theorem.position) for theorem in theorems],
    ]
    key = hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def pairs() -> Iterator[Pair]:
        index = {theorem.name: number for number, theorem in enumerate(theorems)}
        for demonstration in environment.demonstrations(theorems):
            yield index[demonstration.theorem.name], demonstration.state.goals[0], demonstration.tactic

    def build(folder: Path) -> None:
        write_index(folder, theorems, pairs(), use_trees, builder.status)

    return open_or_build(builder.cache / "knn", key, build, builder.status)


def write_index(
    folder: Path,
    theorems: Sequence[Theorem],
    pairs: Iterator[Pair],
    use_trees: bool,
    status: Callable[[str, int | None, int | None], None],
) -> None:
    """Writes an index of pairs that come in the order of their theorems."""
    positions = [number if theorem.position is None else theorem.position for number, theorem in enumerate(theorems)]
    writer = IndexWriter([theorem.name for theorem in theorems], positions, MAX_FREQUENCY)
    extractor = FeatureExtractor(use_trees)
    while chunk := list(islice(pairs, _CHUNK)):
        indices, goals, tactics = zip(*chunk, strict=True)
        writer.add(extractor.extract(goals), tactics, indices)
        status("k-NN memory: reading proofs", indices[-1] + 1, len(theorems))
    status("k-NN memory: writing the index", None, None)
    writer.write(folder)


def _remembered(environment: Environment, memory: Memory) -> list[Theorem]:
    """The theorems whose proofs are remembered, in the library's order."""
    theorems = list(environment.theorems())
    if memory == "chronological":
        unplaced = next((theorem for theorem in theorems if theorem.position is None), None)
        if unplaced is not None:
            raise UsageError(
                f"--knn-memory chronological needs an ordered library, but {unplaced.name!r} has no position; "
                f"use --knn-memory split"
            )
    elif any(theorem.split for theorem in theorems):
        theorems = [theorem for theorem in theorems if theorem.split == "train"]
        if not theorems:
            raise UsageError(
                "--knn-memory split learns from the split 'train', in which this environment has no theorem; "
                "use --knn-memory chronological"
            )
    return sorted(theorems, key=lambda theorem: -1 if theorem.position is None else theorem.position)
