"""Steps of proofs as flat arrays: what the ranker is trained on."""

from __future__ import annotations

import dataclasses
import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.ranker.bags import Bags, BagWriter, Floats, Ints, Ragged, RaggedWriter, offsets_of
from proofsearch_metamath.ranker.reading import Reading, SessionReader


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
        earlier: shape ``(n,)``: how many provable assertions stand before the theorem.
    """

    bags: Bags
    parts: Ragged
    roles: NDArray[np.int8]
    contexts: Ragged
    choices: Ragged
    shares: Floats
    hypotheses: Ragged
    answers: Ints
    earlier: Ints

    def __len__(self) -> int:
        return len(self.answers)


def join(pieces: Sequence[Examples], most: int | None = None) -> Examples:
    """Examples one after the other.

    Args:
        pieces: what to join.
        most: only so many of the first steps.
    """
    pieces = pieces or [ExamplesWriter().examples()]
    count = sum(map(len, pieces))
    bags = np.cumsum([0, *(len(piece.bags) for piece in pieces)])
    joined = Examples(
        Bags(
            _joined_offsets([piece.bags.offsets for piece in pieces]),
            np.concatenate([piece.bags.rows for piece in pieces]),
            np.concatenate([piece.bags.weights for piece in pieces]),
        ),
        _joined([piece.parts for piece in pieces], bags),
        np.concatenate([piece.roles for piece in pieces]),
        _joined([piece.contexts for piece in pieces]),
        _joined([piece.choices for piece in pieces]),
        np.concatenate([piece.shares for piece in pieces]),
        _joined([piece.hypotheses for piece in pieces], bags),
        np.concatenate([piece.answers for piece in pieces]),
        np.concatenate([piece.earlier for piece in pieces]),
    )
    if most is None or most >= count:
        return joined
    # The values behind those of the last step kept stay where they are: nothing points there.
    return replace(
        joined,
        parts=joined.parts.head(most),
        contexts=joined.contexts.head(most),
        choices=joined.choices.head(most),
        hypotheses=joined.hypotheses.head(most),
        answers=joined.answers[:most],
        earlier=joined.earlier[:most],
    )


def _joined_offsets(offsets: Sequence[Ints]) -> Ints:
    return offsets_of(np.concatenate([np.diff(some) for some in offsets]))


def _joined(pieces: Sequence[Ragged], shifts: Ints | None = None) -> Ragged:
    """Ragged arrays one after the other, with the i-th shift added to the i-th one's values."""
    added = np.zeros(len(pieces), np.int64) if shifts is None else shifts
    values = [piece.values + np.int32(shift) for piece, shift in zip(pieces, added, strict=False)]
    return Ragged(_joined_offsets([piece.offsets for piece in pieces]), np.concatenate(values))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a step is compared with.

    Attributes:
        choices: assertions that unify with the goal; the one applied comes first, if one was.
        shares: the logarithm of how many each stands for.
        answer: the place of the step's tactic in ``choices`` followed by the hypotheses that unify.
    """

    choices: Ints
    shares: Floats
    answer: int


class ExamplesWriter:
    """Collects the steps of proofs, in little memory."""

    def __init__(self) -> None:
        self._bags = BagWriter()
        self._parts, self._contexts = RaggedWriter(), RaggedWriter()
        self._choices, self._hypotheses = RaggedWriter(), RaggedWriter()
        self._roles, self._shares = array("b"), array("f")
        self._answers, self._earlier = array("q"), array("q")

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, steps: Sequence[tuple[Reading, Compared]], reader: SessionReader) -> None:
        """Adds steps of one proof, read in one session."""
        numbers: dict[int, int] = {}

        def bag(term: int) -> int:
            found = numbers.get(term)
            if found is None:
                found = numbers[term] = self._bags.add(reader.features.bag(term))
            return found

        for reading, compared in steps:
            self._parts.add(bag(term) for _, term in reading.parts)
            self._roles.extend(role for role, _ in reading.parts)
            self._contexts.add(reading.rows.tolist())
            self._hypotheses.add(bag(term) for term in reading.hypotheses)
            self._choices.add(compared.choices.tolist())
            self._shares.extend(compared.shares.tolist())
            self._answers.append(compared.answer)
            self._earlier.append(reading.earlier)

    def examples(self) -> Examples:
        """What was collected."""
        return Examples(
            self._bags.bags(),
            self._parts.ragged(),
            np.array(self._roles, np.int8),
            self._contexts.ragged(),
            self._choices.ragged(),
            np.array(self._shares, np.float32),
            self._hypotheses.ragged(),
            np.array(self._answers, np.int64),
            np.array(self._earlier, np.int64),
        )


def data_hash(*examples: Examples) -> str:
    """Changes with anything that a training reads of its examples."""
    digest = hashlib.blake2b(digest_size=16)

    def note(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                note(getattr(value, field.name))
        else:
            array = np.asarray(value)
            digest.update(f"{array.dtype} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())

    for some in examples:
        note(some)
    return digest.hexdigest()
