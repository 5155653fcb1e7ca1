"""Where the memory of the policy ``knn`` comes from: the library's proofs, or recorded searches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, Self

from proofsearch.builtins.encoders.features import FEATURES_VERSION, FeatureExtractor
from proofsearch.builtins.knn.cache import open_or_build, storing
from proofsearch.builtins.knn.index import INDEX_VERSION, ExampleIndex
from proofsearch.builtins.knn.steps import Step
from proofsearch.builtins.knn.writer import IndexWriter
from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import AdaptsTactics, Builder, Demonstrates
from proofsearch.types import Theorem

Setting = Literal["split", "chronological"]
Status = Callable[[str, int | None, int | None], None]

MAX_FREQUENCY = 0.05
"""Features of more than this share of the examples are left out of an index."""
_CHUNK = 20_000
"""Steps whose features are extracted at a time."""


@dataclass(frozen=True, slots=True)
class KnnMemory:
    """What the policy remembers.

    Attributes:
        proofs: goals with the tactics that proofs took there.
        statements: the theorems' own statements as goals, each with the theorem's name as the tactic, for
            environments whose tactics cite theorems by name; empty for others. Statements are public: those of
            held-out theorems are here too.
    """

    proofs: ExampleIndex
    statements: ExampleIndex

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Maps the two indices of a folder; raises as :meth:`ExampleIndex.open`."""
        return cls(ExampleIndex.open(folder / "proofs"), ExampleIndex.open(folder / "statements"))


def memory_source(builder: Builder, trajectories: Path | None = None) -> list[object]:
    """What a memory is made of, as JSON: the environment's library, or recorded searches.

    Raises:
        InputError: there are no trajectories, or damaged ones.
    """
    if trajectories is None:
        return ["library", sorted(builder.environment().fingerprint().items())]
    # Imported here since it brings pyarrow, which a run without trajectories has no need of.
    from proofsearch.builtins.knn.trajectories import recorded_ids

    return ["trajectories", recorded_ids(trajectories)]


def open_memory(builder: Builder, setting: Setting, use_trees: bool, trajectories: Path | None = None) -> KnnMemory:
    """The memory, built on first use and kept in ``builder.cache``.

    Args:
        builder: gives the environment and the cache folder.
        setting: ``"split"``: proofs of theorems of the split ``"train"``, or, where there are no splits, of all;
            ``"chronological"``: proofs of all theorems, of which a target will see those before it.
        use_trees: read goals' trees where there are any.
        trajectories: learn from the proved searches recorded there, not from the environment's library.

    Raises:
        UsageError: the environment has no proofs to learn from, no training theorems, or no order.
        InputError: there are no trajectories, or damaged ones, or none of a proved search that may be learnt from.
        StorageError: the cache can't be written.
    """
    if trajectories is None:
        environment = builder.environment()
        if not isinstance(environment, Demonstrates):
            raise UsageError(
                "the generator 'knn' learns from proofs, and this environment has none to show; "
                "give it recorded searches with --knn-trajectories, or choose another --generator"
            )
        theorems = _ordered(environment.theorems())

        def steps() -> Iterator[Step]:
            index = {theorem.name: number for number, theorem in enumerate(theorems)}
            for shown in environment.demonstrations(theorems):
                yield Step(index[shown.theorem.name], shown.state.goals[0], shown.tactic)
    else:
        # Imported here since it brings pyarrow, which a run without trajectories has no need of.
        from proofsearch.builtins.knn.trajectories import recorded_steps, recorded_theorems

        theorems = _ordered(recorded_theorems(trajectories))

        def steps() -> Iterator[Step]:
            yield from recorded_steps(trajectories, theorems)

    source = memory_source(builder, trajectories)
    keep_texts = isinstance(builder.environment(), AdaptsTactics)
    learnable = _learnable(theorems, setting)
    ordered = [(theorem.name, theorem.position) for theorem in theorems]
    parts = [INDEX_VERSION, FEATURES_VERSION, MAX_FREQUENCY, use_trees, keep_texts, source, ordered, sorted(learnable)]
    key = hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def build(folder: Path) -> None:
        allowed = (step if step.theorem in learnable else step._replace(tactic=None) for step in steps())
        write_memory(folder, theorems, allowed, use_trees, builder.status, keep_texts)

    memory = open_or_build(builder.cache / "knn", key, KnnMemory.open, build, builder.status)
    if trajectories is not None and not len(memory.proofs):
        raise InputError(
            f"{trajectories}: no proved search of a theorem that may be learnt from; record some first, "
            f"or choose another --knn-memory"
        )
    return memory


def write_memory(
    folder: Path,
    theorems: Sequence[Theorem],
    steps: Iterable[Step],
    use_trees: bool,
    status: Status,
    keep_texts: bool = False,
) -> None:
    """Writes the memory of steps that come theorem by theorem, in the order of ``theorems``, each from its start.

    With ``keep_texts`` the goals' texts are kept too, so that tactics can be adapted to others.

    Raises:
        PluginError: the steps are in another order.
        StorageError: the folder can't be written.
    """
    names = [theorem.name for theorem in theorems]
    positions = [number if theorem.position is None else theorem.position for number, theorem in enumerate(theorems)]
    proofs = IndexWriter(names, positions, MAX_FREQUENCY)
    statements = IndexWriter(names, positions, MAX_FREQUENCY)
    extractor = FeatureExtractor(use_trees)
    steps = iter(steps)
    last = -1
    while chunk := list(islice(steps, _CHUNK)):
        learnt = [step for step in chunk if step.tactic is not None]
        proofs.add(
            extractor.extract([step.goal for step in learnt]),
            [step.tactic or "" for step in learnt],
            [step.theorem for step in learnt],
            [step.goal.text for step in learnt] if keep_texts else None,
        )
        before = [last, *(step.theorem for step in chunk[:-1])]
        first = [step for theorem, step in zip(before, chunk, strict=True) if step.theorem != theorem]
        statements.add(
            extractor.extract([step.goal for step in first]),
            [names[step.theorem] for step in first],
            [step.theorem for step in first],
        )
        last = chunk[-1].theorem
        status("k-NN memory: reading proofs", last + 1, len(theorems))
    status("k-NN memory: writing the index", None, None)
    if proofs.tactics.isdisjoint(names):
        statements = IndexWriter(names, positions, MAX_FREQUENCY)
    with storing(folder.parent):
        for writer, name in ((proofs, "proofs"), (statements, "statements")):
            (folder / name).mkdir()
            writer.write(folder / name)


def _ordered(theorems: Iterable[Theorem]) -> list[Theorem]:
    """Orders searches by position; those without one are first, as they came."""
    return sorted(theorems, key=lambda theorem: -1 if theorem.position is None else theorem.position)


def _learnable(theorems: Sequence[Theorem], setting: Setting) -> frozenset[int]:
    """The indices of the theorems whose proofs may be remembered.

    Raises:
        UsageError: there are none, or no order.
    """
    everything = frozenset(range(len(theorems)))
    if setting == "chronological":
        unplaced = next((theorem for theorem in theorems if theorem.position is None), None)
        if unplaced is not None:
            raise UsageError(
                f"--knn-memory chronological needs an ordered library, but {unplaced.name!r} has no position; "
                f"use --knn-memory split"
            )
        return everything
    if not any(theorem.split for theorem in theorems):
        return everything
    chosen = frozenset(number for number, theorem in enumerate(theorems) if theorem.split == "train")
    if not chosen:
        raise UsageError(
            "--knn-memory split learns from the split 'train', in which there is no theorem; "
            "use --knn-memory chronological"
        )
    return chosen
