"""The two towers in torch, as they are trained; :mod:`proofsearch_metamath.ranker.towers` is the same in NumPy."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from proofsearch_metamath.ranker.architecture import ROLES, Architecture
from proofsearch_metamath.ranker.bags import Bags
from proofsearch_metamath.ranker.batches import Batch
from proofsearch_metamath.ranker.reading import CONTEXT_ROWS
from proofsearch_metamath.ranker.statements import MEASURES, Statements

_START = math.log(4.0)
"""The scale of the logits at first."""
_PRIOR = 0.5
"""At first an assertion's bias is this share of the logarithm of its uses."""


class Residual(nn.Module):
    """``x + outer(gelu(inner(x)))``; at first it changes nothing."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Shape ``(rows, width)`` to the same."""
        # The approximation by tanh is what NumPy can do as well.
        out: Tensor = x + self.outer(self.dropout(functional.gelu(self.inner(x), approximate="tanh")))
        return out


class RankerModel(nn.Module):
    """Logits of assertions and hypotheses for goals; see :mod:`proofsearch_metamath.ranker.architecture`.

    The towers share the table, so that at first a logit is about the likeness of goal and conclusion: a random
    projection of their features, rare ones weighed more.

    Args:
        architecture: the shapes.
        rarity: of each row of the table, shape ``(rows,)``: its vector's length at first.
        uses: how often the training proofs cite each assertion with a vector of its own, shape ``(labels,)``.
        statements: of the library that is trained on.
        label_of: for each provable assertion its place among those with a vector of their own, or −1.
        dropout: of hidden layers and id vectors.
        feature_dropout: of features.
    """

    def __init__(
        self,
        architecture: Architecture,
        rarity: NDArray[np.float32],
        uses: NDArray[np.float32],
        statements: Statements,
        label_of: NDArray[np.int64],
        *,
        dropout: float,
        feature_dropout: float,
    ) -> None:
        super().__init__()
        width = architecture.width
        self.architecture = architecture
        deviation = 1 / math.sqrt(width)
        table = torch.randn(architecture.rows, width) * deviation * torch.from_numpy(rarity)[:, None]
        self.table = nn.Parameter(table)
        self.context = nn.Parameter(torch.randn(CONTEXT_ROWS, width) * 0.02)
        roles = torch.randn(ROLES, width, width) * 0.1 * deviation
        roles[0] = torch.eye(width)
        self.roles = nn.Parameter(roles)
        self.premises = nn.Parameter(torch.randn(width, width) * 0.1 * deviation)
        self.own = nn.Parameter(torch.eye(width))
        self.own_vector = nn.Parameter(torch.zeros(width))
        self.own_bias = nn.Parameter(torch.zeros(()))
        self.measures = nn.Linear(MEASURES, width)
        nn.init.normal_(self.measures.weight, std=0.02)
        self.measures_bias = nn.Linear(MEASURES, 1, bias=False)
        nn.init.zeros_(self.measures_bias.weight)
        self.ids = nn.Parameter(torch.randn(architecture.labels, width) * 0.02)
        self.biases = nn.Parameter(torch.from_numpy(np.log(uses + 0.3)).float() * _PRIOR)
        self.unused_bias = nn.Parameter(torch.tensor(math.log(0.3) * _PRIOR))
        self.recency = nn.Parameter(torch.zeros(2))
        self.scale = nn.Parameter(torch.tensor(_START))
        self.goal = Residual(width, dropout)
        self.assertion = Residual(width, dropout)
        self._dropout = dropout
        self._feature_dropout = feature_dropout
        self._statements = statements
        self._label_of = torch.from_numpy(label_of)
        self._measures = torch.from_numpy(statements.measures)
        # For each assertion the stretch of its hypotheses: they come in the assertions' order.
        owners = statements.owners
        self._premises_at = np.searchsorted(owners, np.arange(len(statements) + 1))

    def forward(self, batch: Batch) -> Tensor:
        """The logits of a batch's choices, shape ``(steps, choices)``; −inf where there is none."""
        goals = self.goals(batch)
        vectors, biases = self.assertions(batch.labels)
        scores = torch.exp(self.scale) * (goals @ vectors.T) + biases
        choices = torch.from_numpy(batch.choices)
        logits = scores.gather(1, choices.clamp(min=0)) + torch.from_numpy(batch.shares)
        logits = logits + torch.from_numpy(batch.recency) @ self.recency
        logits = logits.masked_fill(choices < 0, -torch.inf)
        owners = torch.from_numpy(batch.hypothesis_owners)
        if len(owners):
            own = self.assertion(self._bags(batch.hypotheses) @ self.own + self.own_vector)
            found = torch.exp(self.scale) * (goals[owners] * own).sum(1) + self.own_bias
            logits = logits.index_put((owners, torch.from_numpy(batch.hypothesis_places)), found)
        return logits

    def goals(self, batch: Batch) -> Tensor:
        """The vectors of the batch's goals, shape ``(steps, width)``."""
        count, width = batch.size, self.architecture.width
        parts = self._bags(batch.bags)[torch.from_numpy(batch.parts)] * torch.from_numpy(batch.part_weights)[:, None]
        cells = torch.zeros(count * ROLES, width).index_add(0, torch.from_numpy(batch.cells), parts)
        x = torch.einsum("srd,rde->se", cells.view(count, ROLES, width), self.roles)
        if self.architecture.surroundings:
            x = x + functional.embedding_bag(
                torch.from_numpy(batch.context_rows), self.context, torch.from_numpy(batch.context_at), mode="sum"
            )
        out: Tensor = self.goal(x)
        return out

    def assertions(self, numbers: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """The vectors and biases of provable assertions, shapes ``(n, width)`` and ``(n,)``."""
        x = self._bags(self._statements.conclusions.take(numbers))
        counts = self._premises_at[numbers + 1] - self._premises_at[numbers]
        if counts.any():
            begins = self._premises_at[numbers]
            which = np.repeat(begins - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
            owners = torch.from_numpy(np.repeat(np.arange(len(numbers)), counts))
            x = x.index_add(0, owners, self._bags(self._statements.hypotheses.take(which)) @ self.premises)
        measures = self._measures[torch.from_numpy(numbers)]
        labels = self._label_of[torch.from_numpy(numbers)]
        known = labels >= 0
        ids = functional.dropout(self.ids[labels.clamp(min=0)], self._dropout, self.training) * known[:, None]
        vectors = self.assertion(x + self.measures(measures)) + ids
        biases = torch.where(known, self.biases[labels.clamp(min=0)], self.unused_bias)
        return vectors, biases + self.measures_bias(measures)[:, 0]

    def _bags(self, bags: Bags) -> Tensor:
        weights = torch.from_numpy(bags.weights)
        if self.training and self._feature_dropout:
            weights = functional.dropout(weights, self._feature_dropout)
        return functional.embedding_bag(
            torch.from_numpy(bags.rows.astype(np.int64)),
            self.table,
            torch.from_numpy(bags.offsets[:-1]),
            mode="sum",
            per_sample_weights=weights,
        )
