"""What the ranker learns from: steps of the library's proofs, each with what could have been done instead.

The proofs are replayed through the search's own unifier, its choice of goals and its closing of ground goals, so that
the goals are those that a search will meet. Each step is compared with assertions that unify with its goal: a step
whose goal has more of them than wanted gets a sample, drawn in favour of those that are often used, and each of these
stands for as many as it was drawn from.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch import Demonstration, Theorem
from proofsearch.errors import InputError, UsageError
from proofsearch_metamath.choices import HYPOTHESIS
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library import Library
from proofsearch_metamath.ranker.bags import Bags, BagWriter, Floats, Ints, Ragged, RaggedWriter
from proofsearch_metamath.ranker.reading import Reading, SessionReader, SymbolTable
from proofsearch_metamath.session import MetamathSession
from proofsearch_metamath.state import MetamathState

Status = Callable[[str, int | None, int | None], None]

_SPARE = 1.1
"""So many times the wanted negatives are drawn, since a few of those that the index lists don't unify."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Steps of proofs, n of them.

    Attributes:
        bags: the features of the terms that the steps' states hold.
        parts: for each step its terms, as numbers of bags.
        roles: of the terms, as in ``parts.values``.
        contexts: for each step the table's rows of the state as a whole.
        choices: for each step assertions that unify with its goal, by number; the one applied comes first, if one was.
        shares: of each of ``choices.values``, how many it stands for, as a logarithm, at least 0.
        hypotheses: for each step the theorem's hypotheses that unify with its goal, as numbers of bags.
        answers: shape ``(n,)``: the place of the step's tactic in its ``choices`` followed by its ``hypotheses``.
        theorems: shape ``(n,)``: whose proof it is, as an index into what was asked for.
    """

    bags: Bags
    parts: Ragged
    roles: NDArray[np.int8]
    contexts: Ragged
    choices: Ragged
    shares: Floats
    hypotheses: Ragged
    answers: Ints
    theorems: Ints

    def __len__(self) -> int:
        return len(self.answers)


class ExampleReader:
    """Turns demonstrations into examples.

    Args:
        environment: whose proofs.
        rows: how many rows the features' table has.
        negatives: assertions that a step is compared with, at most.
        seed: of the sampling.
        uses: how often the training proofs cite each provable assertion, shape ``(assertions,)``.
    """

    def __init__(self, environment: MetamathEnvironment, rows: int, negatives: int, seed: int, uses: Floats) -> None:
        self._environment = environment
        self._library = environment.library
        self._symbols = SymbolTable(self._library)
        self._rows = rows
        self._negatives = negatives
        self._random = np.random.default_rng(seed)
        self._weights = np.sqrt(uses + 1.0)

    def read(self, theorems: Sequence[Theorem], status: Status, most: int | None = None) -> Examples:
        """The steps of the proofs of theorems.

        Args:
            theorems: whose proofs.
            status: told how far it is.
            most: no further proof is read once there are so many steps.
        """
        bags, parts, roles, contexts = BagWriter(), RaggedWriter(), list[int](), RaggedWriter()
        choices, shares, hypotheses = RaggedWriter(), list[Floats](), RaggedWriter()
        answers, owners = list[int](), list[int]()
        for number, theorem in enumerate(theorems):
            if most is not None and len(answers) >= most:
                break
            if number % 50 == 0:
                status("ranker: reading proofs", number, len(theorems))
            reader = None
            numbers: dict[int, int] = {}
            for shown in self._environment.demonstrations([theorem]):
                state = shown.state
                assert isinstance(state, MetamathState)
                session = state.session
                if reader is None:
                    reader = SessionReader(session, self._library, self._symbols, self._rows)
                reading = reader.read(state)

                def bag(term: int, reader: SessionReader = reader, numbers: dict[int, int] = numbers) -> int:
                    found = numbers.get(term)
                    if found is None:
                        found = numbers[term] = bags.add(reader.features.bag(term))
                    return found

                parts.add(bag(term) for _, term in reading.parts)
                roles += [int(role) for role, _ in reading.parts]
                contexts.add(reading.rows.tolist())
                usable = [bag(term) for term in reading.hypotheses]
                hypotheses.add(usable)
                compared, logs, answer = self._compared(session, state, reading, shown)
                choices.add(compared.tolist())
                shares.append(logs)
                answers.append(answer)
                owners.append(number)
        return Examples(
            bags.bags(),
            parts.ragged(),
            np.array(roles, np.int8),
            contexts.ragged(),
            choices.ragged(),
            np.concatenate(shares) if shares else np.zeros(0, np.float32),
            hypotheses.ragged(),
            np.array(answers, np.int64),
            np.array(owners, np.int64),
        )

    def _compared(
        self, session: MetamathSession, state: MetamathState, reading: Reading, shown: Demonstration
    ) -> tuple[Ints, Floats, int]:
        """Assertions that unify with the goal, for how many each stands, and the place of the step's tactic."""
        goal = state.open[state.focus][0]
        others, tactic = reading.candidates, shown.tactic
        by_hypothesis = tactic.startswith(HYPOTHESIS)
        taken = -1 if by_hypothesis else self._library.provable_index[tactic]
        others = others[others != taken]
        drawn, logs = self._drawn(others)
        kept = [place for place, index in enumerate(drawn.tolist()) if session.unifies(goal, index)]
        drawn, logs = drawn[kept], logs[kept]
        if by_hypothesis:
            return drawn, logs, len(drawn) + int(tactic[len(HYPOTHESIS) :]) - 1
        return np.append(taken, drawn), np.append(np.float32(0), logs), 0

    def _drawn(self, others: Ints) -> tuple[Ints, Floats]:
        """A sample without replacement, and the logarithm of one over the chance of each to be in it, about."""
        most = self._negatives
        if len(others) <= most:
            return others, np.zeros(len(others), np.float32)
        wanted = min(math.ceil(most * _SPARE), len(others))
        weights = self._weights[others]
        # The largest of log(weight) plus Gumbel noise are a weighted sample without replacement.
        keys = np.log(weights) + self._random.gumbel(size=len(others))
        chosen = np.sort(np.argpartition(-keys, wanted - 1)[:wanted])
        chances = np.minimum(weights[chosen] * (wanted / float(weights.sum())), 1.0)
        return others[chosen], -np.log(chances).astype(np.float32)


def count_uses(library: Library, theorems: Iterable[Theorem]) -> Floats:
    """How many of these theorems' stored proofs cite each provable assertion, shape ``(assertions,)``."""
    arrays = library.tables.arrays
    offsets, flat = arrays["cited_at"], arrays["cited"].astype(np.int64)
    counts = np.zeros(len(library.tables.labels), np.float32)
    for theorem in theorems:
        position = library.frames.position(theorem.name)
        cited = flat[int(offsets[position]) : int(offsets[position + 1])]
        counts[cited[cited >= 0]] += 1
    return counts[library.provable]


def choose_theorems(
    environment: MetamathEnvironment, before: str | None, seed: int
) -> tuple[list[Theorem], list[Theorem]]:
    """The theorems to learn from and to validate on: those of the splits ``train`` and ``validation``, shuffled.

    Args:
        environment: whose.
        before: only those that stand before this one.
        seed: of the order.

    Raises:
        UsageError: ``before`` is no theorem, or nothing to learn from stands before it.
        InputError: the database has no theorems of the split ``train``.
    """
    everything = environment.theorems()
    if before is not None:
        try:
            bound = environment.theorem(before).position
        except UsageError as error:
            raise UsageError(f"--metamath-ranker-before: {error}") from None
        assert bound is not None
        everything = [theorem for theorem in everything if (theorem.position or 0) < bound]
    train = [theorem for theorem in everything if theorem.split == "train"]
    validation = [theorem for theorem in everything if theorem.split == "validation"]
    if not train:
        if before is not None:
            raise UsageError(f"--metamath-ranker-before {before}: no theorem to learn from stands before it")
        raise InputError(f"{environment.path}: has no theorem of the split 'train' to learn from")
    for theorems in (train, validation):
        random.Random(seed).shuffle(theorems)
    return train, validation
