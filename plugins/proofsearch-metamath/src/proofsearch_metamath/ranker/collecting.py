"""What the ranker learns from: steps of proofs, mostly the library's, each with what could have been done instead.

The proofs are replayed through the search's own unifier, its choice of goals and its closing of ground goals, so that
the goals are those that a search will meet. Each step is compared with assertions that unify with its goal: a step
whose goal has more of them than wanted gets a sample, drawn in favour of those that are often used, and each of these
stands for as many as it was drawn from.

Proofs are read by several processes at once where processes can be forked. What is sampled of a proof depends on the
seed and the theorem alone, so that their number changes nothing.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np

from proofsearch import Demonstration, Theorem
from proofsearch.errors import InputError, UsageError
from proofsearch.interruption import leave_to_parent
from proofsearch.trainers.searches import learnable_theorems
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.proofs.checking import usable_processors
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.ranker.config import SizedConfig
from proofsearch_metamath.ranker.examples import Compared, Examples, ExamplesWriter, join
from proofsearch_metamath.ranker.found import FoundProof
from proofsearch_metamath.ranker.reading import Reading, SessionReader, SymbolTable
from proofsearch_metamath.search.choices import HYPOTHESIS
from proofsearch_metamath.search.session import session_of
from proofsearch_metamath.search.state import MetamathState

Status = Callable[[str, int | None, int | None], None]
_Piece = tuple[Examples, int, int]
"""The steps of some proofs, how many of the library's can't be replayed, and how many found ones were taken."""

_CHUNK = 20
"""Theorems that a process reads at a time."""

_SPARE = 1.1
"""So many times the wanted negatives are drawn, since a few of those that the index lists don't unify."""


@dataclass(frozen=True, slots=True)
class Split:
    """The theorems to learn from and those to validate on, each in a random order."""

    train: Sequence[Theorem]
    validation: Sequence[Theorem]


class Collector:
    """Turns library proofs into examples.

    Args:
        environment: whose proofs.
        config: the options.
        uses: how often the training proofs cite each provable assertion, shape ``(assertions,)``.
        seed: of the sampling.
        found: proofs that searches found, by theorem: learnt from where they are shorter than the library's.

    Attributes:
        shorter: theorems whose found proof was taken.
    """

    def __init__(
        self,
        environment: MetamathEnvironment,
        config: SizedConfig,
        uses: Floats,
        seed: int,
        found: Mapping[str, FoundProof] | None = None,
    ) -> None:
        self._environment = environment
        self._library = environment.library
        self._config = config
        self._symbols = SymbolTable(self._library)
        self._seed = seed
        self._random = np.random.default_rng(seed)
        self._weights = np.sqrt(uses + 1.0)
        self._found = found or {}
        self.shorter = 0

    def collect(self, theorems: Sequence[Theorem], status: Status, most: int | None = None) -> Examples:
        """The steps of the proofs of theorems, in their order.

        Args:
            theorems: whose proofs.
            status: told how far it is.
            most: no further proof is read once there are so many steps; more are left out. Theorems with a found proof
                that is shorter than the library's are then read first: whoever gives searches wants them learnt.

        Raises:
            InputError: a process that read proofs was killed.
        """
        longest = math.inf if self._config.max_proof is None else self._config.max_proof
        wanted = [theorem for theorem in theorems if self._length(theorem) <= longest]
        if most is not None:
            wanted.sort(key=self._length_saved, reverse=True)  # stable: the others stay in their random order
        pieces, found = [], 0
        for number, (piece, skipped, shorter) in enumerate(self._pieces(wanted)):
            status("ranker: reading proofs", min(number * _CHUNK, len(wanted)), len(wanted))
            self._environment.skipped_demonstrations += skipped
            self.shorter += shorter
            pieces.append(piece)
            found += len(piece)
            if most is not None and found >= most:
                break
        return join(pieces, most)

    def _length(self, theorem: Theorem) -> int:
        """The steps of the proof that is learnt, as far as can be told before it is read."""
        return (theorem.proof_length or 0) - self._length_saved(theorem)

    def _length_saved(self, theorem: Theorem) -> int:
        """How many steps a found proof is shorter than the library's; 0 where none is."""
        found = self._found.get(theorem.name)
        return 0 if found is None else max(0, (theorem.proof_length or 0) - len(found))

    def _pieces(self, theorems: Sequence[Theorem]) -> Iterator[_Piece]:
        """The steps of some theorems after the other."""
        chunks = [theorems[start : start + _CHUNK] for start in range(0, len(theorems), _CHUNK)]
        processes = min(self._config.processes or usable_processors(), len(chunks))
        if processes <= 1 or "fork" not in multiprocessing.get_all_start_methods():
            yield from map(self._read_all, chunks)
            return
        global _collector
        _collector = self  # what the processes begin with
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _start_reader, (os.getpid(),))
        try:
            # Not many more than are read: what waits for its turn here is held in memory.
            ahead = deque(pool.submit(_read_chunk, chunk) for chunk in chunks[: 4 * processes])
            for following in [*chunks[4 * processes :], *[None] * len(ahead)]:
                yield ahead.popleft().result()
                if following is not None:
                    ahead.append(pool.submit(_read_chunk, following))
        except BrokenProcessPool:
            raise InputError(
                f"a process that read proofs was killed, perhaps for want of memory; read them with fewer: "
                f"--{NAME}-processes 1"
            ) from None
        finally:
            _collector = None
            pool.shutdown(cancel_futures=True)

    def _read_all(self, theorems: Sequence[Theorem]) -> _Piece:
        before, shorter = self._environment.skipped_demonstrations, self.shorter
        writer = ExamplesWriter()
        for theorem in theorems:
            self._read(theorem, writer)
        skipped = self._environment.skipped_demonstrations - before
        self._environment.skipped_demonstrations = before
        taken, self.shorter = self.shorter - shorter, shorter
        return writer.examples(), skipped, taken

    def _read(self, theorem: Theorem, writer: ExamplesWriter) -> None:
        self._random = np.random.default_rng((self._seed, theorem.position or 0))
        shown = self._shown(theorem)
        most = self._config.steps_per_proof
        if most is not None and len(shown) > most:
            shown = [shown[number] for number in sorted(self._random.choice(len(shown), most, replace=False))]
        reader = None
        steps = []
        for step in shown:
            state = step.state
            assert isinstance(state, MetamathState)
            if reader is None:
                reader = SessionReader(session_of(state), self._library, self._symbols, self._config.rows)
            reading = reader.read(state)
            steps.append((reading, self._compared(state, reading, step)))
        if reader is not None:
            writer.add(steps, reader)

    def _shown(self, theorem: Theorem) -> list[Demonstration]:
        """The steps of the library's proof, or of a found one that is shorter."""
        shown = list(self._environment.demonstrations([theorem]))
        found = self._found.get(theorem.name)
        if found is None or (shown and len(found) >= len(shown)):
            return shown
        replayed = found.replayed(self._environment, theorem)
        self.shorter += bool(replayed)
        return replayed or shown

    def _compared(self, state: MetamathState, reading: Reading, shown: Demonstration) -> Compared:
        goal = state.open[state.focus][0]
        others, tactic = reading.candidates, shown.tactic
        by_hypothesis = tactic.startswith(HYPOTHESIS)
        taken = -1 if by_hypothesis else self._library.provable_index[tactic]
        drawn, shares = self._drawn(others[others != taken])
        unifies = session_of(state).unifies
        kept = [place for place, index in enumerate(drawn.tolist()) if unifies(goal, index)]
        drawn, shares = drawn[kept], shares[kept]
        if by_hypothesis:
            return Compared(drawn, shares, len(drawn) + int(tactic[len(HYPOTHESIS) :]) - 1)
        return Compared(np.append(taken, drawn), np.append(np.float32(0), shares), 0)

    def _drawn(self, others: Ints) -> tuple[Ints, Floats]:
        """A sample without replacement, and the logarithm of one over the chance of each to be in it, about."""
        most = self._config.negatives
        if len(others) <= most:
            return others, np.zeros(len(others), np.float32)
        wanted = min(math.ceil(most * _SPARE), len(others))
        weights = self._weights[others]
        # The largest of log(weight) plus Gumbel noise are a weighted sample without replacement.
        keys = np.log(weights) + self._random.gumbel(size=len(others))
        chosen = np.sort(np.argpartition(-keys, wanted - 1)[:wanted])
        chances = np.minimum(weights[chosen] * (wanted / float(weights.sum())), 1.0)
        return others[chosen], -np.log(chances).astype(np.float32)


_collector: Collector | None = None
"""In a process that reads proofs: what it reads them with."""


def _start_reader(parent: int) -> None:
    leave_to_parent(parent, terminable=True)


def _read_chunk(theorems: Sequence[Theorem]) -> _Piece:
    assert _collector is not None
    return _collector._read_all(theorems)


def count_uses(library: Library, theorems: Iterable[Theorem], found: Mapping[str, FoundProof] | None = None) -> Floats:
    """How many of these theorems' stored and found proofs cite each provable assertion, shape ``(assertions,)``."""
    arrays = library.tables.arrays
    offsets, flat = arrays["cited_at"], arrays["cited"].astype(np.int64)
    counts = np.zeros(len(library.tables.labels), np.float32)
    for theorem in theorems:
        position = library.frames.position(theorem.name)
        cited = flat[int(offsets[position]) : int(offsets[position + 1])]
        counts[cited[cited >= 0]] += 1
        proof = (found or {}).get(theorem.name)
        tactics = set() if proof is None else set(proof.tactics.values())
        numbers = [library.provable_index[tactic] for tactic in tactics if tactic in library.provable_index]
        counts[library.provable[numbers]] += 1
    return counts[library.provable]


def choose_theorems(environment: MetamathEnvironment, before: str | None, seed: int) -> Split:
    """The theorems to learn from and to validate on: those of the splits ``train`` and ``validation``.

    Args:
        environment: whose.
        before: only those that stand before this one.
        seed: of the order.

    Raises:
        UsageError: ``before`` is no theorem, or nothing to learn from stands before it.
        InputError: the database has no theorems of the split ``train``.
    """
    everything = learnable_theorems(environment.theorems())
    if before is not None:
        try:
            bound = environment.theorem(before).position
        except UsageError as error:
            raise UsageError(f"--{NAME}-before: {error}") from None
        assert bound is not None
        everything = [theorem for theorem in everything if (theorem.position or 0) < bound]
    train = [theorem for theorem in everything if theorem.split == "train"]
    validation = [theorem for theorem in everything if theorem.split == "validation"]
    if not train:
        if before is not None:
            raise UsageError(f"--{NAME}-before {before}: no theorem to learn from stands before it")
        raise InputError(f"{environment.path}: has no theorem of the split 'train' to learn from")
    for theorems in (train, validation):
        random.Random(seed).shuffle(theorems)
    return Split(train, validation)
