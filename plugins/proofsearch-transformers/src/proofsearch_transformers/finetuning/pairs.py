"""The (state, tactic) pairs that a language model learns from, and on which of them it is only measured."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Demonstrates, Environment
from proofsearch.trainers.searches import drawn_place, learnable_theorems, strictest_split
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import ProofState, Theorem


@dataclass(frozen=True, slots=True)
class Pair:
    """One step of a proof: what the model is shown, and what it should say.

    Attributes:
        theorem: whose proof it is.
        state: the state before the step.
        tactic: the step.
    """

    theorem: Theorem
    state: ProofState
    tactic: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is learnt from and what is measured on; no theorem is in both, and none is of the split ``test``.

    Attributes:
        train: each pair of a state's text and a tactic once a theorem.
        validation: likewise.
        left_out: theorems of the split ``test`` that were met.
    """

    train: list[Pair]
    validation: list[Pair]
    left_out: int

    def fingerprint(self) -> str:
        """Changes whenever a pair does, or its side."""
        digest = hashlib.blake2b(digest_size=16)
        for side in (self.train, self.validation):
            for pair in side:
                content = [pair.theorem.name, pair.theorem.statement, pair.state.text, pair.tactic]
                digest.update(json.dumps(content).encode() + b"\n")
            digest.update(b"\n")
        return digest.hexdigest()


def library_pairs(environment: Environment) -> Iterator[Pair]:
    """The steps of the library's own proofs, without those of theorems of the split ``test``.

    Raises:
        UsageError: the environment lists no proofs.
    """
    if not isinstance(environment, Demonstrates):
        raise UsageError(
            "--lm-pairs library: the environment lists no proofs of its library; learn from recorded searches with "
            "--lm-pairs trajectories"
        )
    theorems = learnable_theorems(environment.theorems())
    for step in environment.demonstrations(theorems):
        yield Pair(step.theorem, step.state, step.tactic)


def trajectory_pairs(searches: Iterable[RecordedSearch]) -> Iterator[Pair]:
    """The steps of the proofs that recorded searches found and a check accepted."""
    for search in searches:
        if search.proved:
            for edge in search.proof():
                source = int(search.edges.source[edge])
                yield Pair(search.theorem, search.state(source), search.edges.tactic[edge])


def collect(
    pairs: Iterable[Pair], *, share: float, seed: int, recorded: Mapping[str, str] = MappingProxyType({})
) -> Pairs:
    """Parts pairs by their theorems' splits.

    Theorems of the split ``validation`` validate; where there is none, a share of the others, drawn by seed and name.
    Where sources disagree about a theorem, what was ever held out stays held out.

    Args:
        pairs: from any sources.
        share: of the theorems, above 0 and below 1.
        seed: of the draw.
        recorded: the splits of theorems that the pairs need not be of, by name.

    Raises:
        InputError: there is nothing to learn from.
    """
    splits: dict[str, str] = {}
    unique: dict[tuple[str, str, str], Pair] = {}
    for pair in pairs:
        name, split = pair.theorem.name, pair.theorem.split
        splits[name] = strictest_split((splits.get(name, split), split))
        unique.setdefault((name, pair.state.text, pair.tactic), pair)
    for name, split in recorded.items():
        if name in splits or split == "test":
            splits[name] = strictest_split((splits.get(name, split), split))
    held = {name for name, split in splits.items() if split == "test"}
    validating = {name for name, split in splits.items() if split == "validation"}
    others = sorted(splits.keys() - held - validating, key=lambda name: drawn_place(name, seed))
    if not validating and len(others) > 1:
        validating = set(others[: max(1, math.floor(share * len(others)))])
    parted = Pairs([], [], len(held))
    for pair in unique.values():
        name = pair.theorem.name
        if name in validating:
            parted.validation.append(replace(pair, theorem=replace(pair.theorem, split="validation")))
        elif name not in held:
            parted.train.append(pair)
    if not parted.train:
        raise InputError(
            f"there is no proof to learn from: of {len(splits)} theorems, {len(held)} are of the split test and "
            f"{len(validating)} validate; search theorems of the split train, or learn from the library with "
            f"--lm-pairs library"
        )
    return parted
