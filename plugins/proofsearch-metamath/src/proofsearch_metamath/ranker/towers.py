"""The two towers as a search runs them, in NumPy: see :mod:`proofsearch_metamath.ranker.architecture`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch_metamath.ranker.architecture import ROLES, Architecture, recency
from proofsearch_metamath.ranker.bags import Bag, Bags, Floats, Ints
from proofsearch_metamath.ranker.reading import Role
from proofsearch_metamath.ranker.statements import Statements

_CHUNK = 1024
"""Assertions whose vectors are made at a time: bounds memory."""
_GELU = math.sqrt(2 / math.pi)
Surroundings = tuple[Floats, tuple[int, ...]]
"""For each role the sum of its parts' vectors, shape ``(roles, width)``, and how many there are."""


@dataclass(frozen=True, slots=True)
class AssertionVectors:
    """A library's provable assertions as the second tower sees them, in the library's order.

    Attributes:
        vectors: shape ``(assertions, width)``, scaled as logits are.
        biases: shape ``(assertions,)``.
    """

    vectors: Floats
    biases: Floats


class Towers:
    """Goals and assertions to vectors; a value, safe to share between threads.

    Args:
        architecture: the shapes.
        tensors: float32, by the names of :meth:`Architecture.shapes`.
    """

    def __init__(self, architecture: Architecture, tensors: Mapping[str, Floats]) -> None:
        self.architecture = architecture
        self._tensors = tensors
        self._scale = np.float32(math.exp(float(tensors["scale"])))
        self._roles = tensors["roles"].reshape(ROLES * architecture.width, architecture.width)
        self._recency = recency(np.zeros(1, np.int64), np.zeros(1, np.int64))  # by how far before the theorem

    def assertions(self, statements: Statements, label_of: Ints) -> AssertionVectors:
        """The vectors of all provable assertions of a library.

        Args:
            statements: of the library.
            label_of: for each its place among those with a vector of their own, −1 where it has none.
        """
        tensors, width = self._tensors, self.architecture.width
        count = len(statements)
        vectors = np.empty((count, width), np.float32)
        begins = np.searchsorted(statements.owners, np.arange(count + 1))
        for start in range(0, count, _CHUNK):
            end = min(start + _CHUNK, count)
            x = self._sums(statements.conclusions.take(np.arange(start, end)))
            first, last = int(begins[start]), int(begins[end])
            premises = self._sums(statements.hypotheses.take(np.arange(first, last))) @ tensors["premises"]
            np.add.at(x, statements.owners[first:last] - start, premises)
            x += statements.measures[start:end] @ tensors["measures.weight"].T + tensors["measures.bias"]
            vectors[start:end] = self._residual("assertion", x)
        known = label_of >= 0
        vectors[known] += tensors["ids"][label_of[known]]
        biases = (statements.measures @ tensors["measures_bias.weight"].T)[:, 0]
        biases += np.where(known, np.float32(0), tensors["unused_bias"])
        biases[known] += tensors["biases"][label_of[known]]
        return AssertionVectors(vectors * self._scale, biases)

    def goal_tensors(self) -> dict[str, Floats]:
        """What the compiled tower of goals is made of, by its names; each in the order of C."""
        tensors = self._tensors
        named = {
            "table": tensors["table"],
            "context": tensors["context"],
            "roles": self._roles,
            "inner": tensors["goal.inner.weight"],
            "inner_bias": tensors["goal.inner.bias"],
            "outer": tensors["goal.outer.weight"],
            "outer_bias": tensors["goal.outer.bias"],
        }
        return {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in named.items()}

    def nearness(self, nearness: Floats) -> Floats:
        """What :func:`~proofsearch_metamath.ranker.architecture.recency` adds to logits, a number a row."""
        found: Floats = nearness @ self._tensors["recency"]
        return found

    def term(self, bag: Bag) -> Floats:
        """The sum of the table's rows of a term's features, shape ``(width,)``."""
        rows, weights = bag
        found: Floats = weights @ self._tensors["table"].take(rows, axis=0)
        return found

    def surroundings(self, parts: Iterable[tuple[Role, Floats]], others: Surroundings | None = None) -> Surroundings:
        """What :meth:`term` says of parts, added up for each role, to what is known of others."""
        sums, counts = others or (np.zeros((ROLES, self.architecture.width), np.float32), (0,) * ROLES)
        sums, numbers = sums.copy(), list(counts)
        for role, vector in parts:
            sums[role] += vector
            numbers[role] += 1
        return sums, tuple(numbers)

    def goal(self, first: Floats, surroundings: Surroundings, context: Ints) -> Floats:
        """The vector of a goal, shape ``(width,)``.

        Args:
            first: what :meth:`term` says of the goal itself.
            surroundings: of all parts, the goal among them.
            context: rows of the state as a whole.
        """
        if self.architecture.surroundings:
            cells, counts = surroundings
            if max(counts) > 1:
                cells = cells.copy()
                cells /= np.sqrt(np.maximum(counts, 1), dtype=np.float32)[:, None]
            x = cells.reshape(-1) @ self._roles + self._tensors["context"].take(context, axis=0).sum(axis=0)
        else:
            x = first @ self._roles[: self.architecture.width]
        return self._residual("goal", x)

    def logits(self, goal: Floats, assertions: AssertionVectors, numbers: Ints, earlier: int) -> Floats:
        """The logits of assertions for a goal, shape ``numbers.shape``.

        Args:
            goal: its vector.
            assertions: of the library.
            numbers: which ones.
            earlier: how many provable assertions stand before the theorem.
        """
        # take() copies whole rows, in a third of the time that indexing takes.
        found: Floats = assertions.vectors.take(numbers, axis=0) @ goal
        found += assertions.biases.take(numbers)
        if len(self._recency) <= earlier:
            self._recency = recency(np.arange(earlier + 1), np.zeros(1, np.int64))
        found += self.nearness(self._recency.take(earlier - numbers, axis=0))
        return found

    @property
    def own_bias(self) -> float:
        """What is added to the logit of a hypothesis of the theorem."""
        return float(self._tensors["own_bias"])

    def own_vectors(self, hypotheses: Sequence[Floats]) -> Floats:
        """The vectors of hypotheses of a theorem, given what :meth:`term` says of them, scaled as logits are.

        Returns:
            Shape ``(hypotheses, width)``.
        """
        tensors = self._tensors
        x = np.stack(hypotheses) @ tensors["own"] + tensors["own_vector"]
        return self._residual("assertion", x) * self._scale

    def _sums(self, bags: Bags) -> Floats:
        """The weighted sums of the table's rows, shape ``(bags, width)``."""
        sums = np.zeros((len(bags), self.architecture.width), np.float32)
        if len(bags.rows):
            weighted = self._tensors["table"][bags.rows] * bags.weights[:, None]
            # No bag is empty: a term has at least its root's features.
            np.add.reduceat(weighted, bags.offsets[:-1], axis=0, out=sums)
        return sums

    def _residual(self, tower: str, x: NDArray[np.float32]) -> Floats:
        tensors = self._tensors
        inner = x @ tensors[f"{tower}.inner.weight"].T + tensors[f"{tower}.inner.bias"]
        inner *= 0.5 * (1 + np.tanh(_GELU * (inner + 0.044715 * inner * inner * inner)))
        out = x + inner @ tensors[f"{tower}.outer.weight"].T + tensors[f"{tower}.outer.bias"]
        return out.astype(np.float32, copy=False)
