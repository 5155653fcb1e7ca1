"""What a language model learns from: pairs of a state and a tactic, or of a state and the rest of its proof."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from proofsearch.errors import InputError, UsageError
from proofsearch.models.scripts import NEWLINE, splitter
from proofsearch.protocols import Demonstrates, Environment
from proofsearch.trainers.searches import drawn_place, learnable_theorems, strictest_split
from proofsearch.trajectory.recorded import RecordedSearch
from proofsearch.types import Demonstration, ProofState, Theorem


@dataclass(frozen=True, slots=True)
class Pair:
    """A state of a proof and how the proof goes on: what the model is shown, and what it should say.

    Attributes:
        theorem: whose proof it is.
        state: the state.
        tactic: the step taken there; of a script all of the steps to the end, a tactic a line.
        script: whether it is a script.
    """

    theorem: Theorem
    state: ProofState
    tactic: str
    script: bool = False


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
                content: list[object] = [pair.theorem.name, pair.theorem.statement, pair.state.text, pair.tactic]
                if pair.script:
                    content.append("script")
                digest.update(json.dumps(content).encode() + b"\n")
            digest.update(b"\n")
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Answers:
    """What is learnt of each state of a proof.

    Attributes:
        steps: the next tactic.
        scripts: all tactics to the end.
        longest: tactics of a script at most.
        environment: whose proofs these are; where it splits scripts, only those are learnt that it gets back whole.
    """

    steps: bool = True
    scripts: bool = False
    longest: int = 256
    environment: object = None

    def of_proof(self, steps: Sequence[Demonstration]) -> Iterator[Pair]:
        """The pairs of one proof, from the state that it begins with to its end."""
        tactics = [step.tactic for step in steps]
        for place, step in enumerate(steps):
            if self.steps:
                yield Pair(step.theorem, step.state, step.tactic)
            rest = tactics[place:]
            # A proof that was replayed in part ends before its last step.
            if self.scripts and step.remaining == len(rest) <= self.longest and self._comes_back(rest):
                yield Pair(step.theorem, step.state, NEWLINE.join(rest), script=True)

    def _comes_back(self, tactics: Sequence[str]) -> bool:
        return list(splitter(self.environment)(NEWLINE.join(tactics))) == list(tactics)


def library_pairs(environment: Environment, answers: Answers | None = None) -> Iterator[Pair]:
    """The library's own proofs, without those of theorems of the split ``test``.

    Raises:
        UsageError: the environment lists no proofs.
    """
    demonstrates = refuse_without_proofs(environment)
    theorems = learnable_theorems(environment.theorems())
    wanted = answers or Answers()
    for _, steps in groupby(demonstrates.demonstrations(theorems), lambda step: step.theorem.name):
        yield from wanted.of_proof(list(steps))


def refuse_without_proofs(environment: Environment) -> Demonstrates:
    """The environment, as one that lists its library's proofs.

    Raises:
        UsageError: it lists none.
    """
    if not isinstance(environment, Demonstrates):
        raise UsageError(
            "--lm-pairs library: the environment lists no proofs of its library; learn from recorded searches with "
            "--lm-pairs trajectories"
        )
    return environment


def trajectory_pairs(searches: Iterable[RecordedSearch], answers: Answers | None = None) -> Iterator[Pair]:
    """The proofs that recorded searches found and a check accepted."""
    wanted = answers or Answers()
    for search in searches:
        if search.proved:
            yield from wanted.of_proof(_found(search))


def _found(search: RecordedSearch) -> list[Demonstration]:
    """The steps of the proof that a search found.

    Where it took states apart, the steps from a part on are no script: what else is to be proved stands between them.
    These say that nothing remains.
    """
    edges, proof = search.edges, search.proof()
    apart = bool(edges.also)
    return [
        Demonstration(
            search.theorem,
            search.state(int(edges.source[edge])),
            edges.tactic[edge],
            0 if apart else len(proof) - place,
        )
        for place, edge in enumerate(proof)
    ]


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
    unique: dict[tuple[str, str, str, bool], Pair] = {}
    for pair in pairs:
        name, split = pair.theorem.name, pair.theorem.split
        splits[name] = strictest_split((splits.get(name, split), split))
        unique.setdefault((name, pair.state.text, pair.tactic, pair.script), pair)
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
