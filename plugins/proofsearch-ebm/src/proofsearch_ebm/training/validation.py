"""What validation theorems say of a head: sibling rank during training, and what plots and mixing need at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proofsearch.trainers.mixing import ChoiceSets
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.data.merging import StateDecision
from proofsearch_ebm.losses.weighted import WeightedLosses
from proofsearch_ebm.model.head import ROWS_AT_ONCE, EnergyHead, StateOutput, joined_outputs, state_outputs
from proofsearch_ebm.training.metrics import DEPTH_BANDS, GroupMeter, GroupMetrics
from proofsearch_ebm.training.step import against_policy, grouped

_GROUPS = 256


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of states of which some lead to a proof.

    Attributes:
        theorem: theorem index.
        states: state ids, at least two.
        positive: shape of ``states``; not all the same.
        depth: of the parent.
    """

    theorem: int
    states: NDArray[np.int64]
    positive: NDArray[np.bool_]
    depth: int


def sibling_choices(dataset: Dataset, theorems: Sequence[int]) -> list[Choice]:
    """The decisions of some theorems that have a wrong child."""
    return [
        Choice(theorem, decision.children, decision.positive, _depth(dataset, decision))
        for theorem in theorems
        for decision in dataset.theorems[theorem].decisions
        if not decision.positive.all()
    ]


def frontier_choices(
    dataset: Dataset,
    theorems: Sequence[int],
    most: int,
    rng: np.random.Generator,
    max_gap: float | None = None,
) -> list[Choice]:
    """The children of each decision of some theorems, with what else stood on the frontier beside a good child.

    Of these, too, only what leads on counts as good.

    Args:
        dataset: where the states are.
        theorems: theorem indices.
        most: members of a set at most; beyond the siblings they are drawn at random, which leaves the weights of a
            conditional logit as they are (McFadden 1978).
        rng: draws them.
        max_gap: as of the sampler of frontiers: sets are left out whose positives the policy puts further than this
            below its best rival.
    """
    liking = dataset.logprob - dataset.num_goals
    choices = []
    for theorem in theorems:
        known = dataset.theorems[theorem]
        for decision in known.decisions:
            good = int(decision.children[decision.positive][0])
            others, onward = known.searches[decision.search].rivals(good)
            apart = ~np.isin(others, decision.children)
            others, onward = others[apart], onward[apart]
            if max_gap is not None:
                right = np.concatenate((decision.children[decision.positive], others[onward]))
                wrong = np.concatenate((decision.children[~decision.positive], others[~onward]))
                if len(wrong) and liking[wrong].max() - liking[right].max() > max_gap:
                    continue
            room = max(0, most - len(decision.children))
            if len(others) > room:
                drawn = np.sort(rng.choice(len(others), room, replace=False))
                others, onward = others[drawn], onward[drawn]
            states = np.concatenate((decision.children, others))
            positive = np.concatenate((decision.positive, onward))
            if not positive.all():
                choices.append(Choice(theorem, states, positive, _depth(dataset, decision)))
    return choices


class Validation:
    """Judges heads on one set of choices; no more than a chunk of their rows is in memory twice.

    Args:
        dataset: where the states are.
        choices: what to judge on.
        losses: measured beside the ranks.
        policy_weight: of the training.
    """

    def __init__(
        self, dataset: Dataset, choices: Sequence[Choice], losses: WeightedLosses, policy_weight: float
    ) -> None:
        self._dataset = dataset
        self._losses = losses
        self._policy_weight = policy_weight
        members = [choice.states for choice in choices]
        self._states = np.unique(np.concatenate(members)) if members else np.zeros(0, np.int64)
        self._located = dataset.locate(self._states)
        # Groups of like widths together, so that little is padding.
        order = sorted(range(len(choices)), key=lambda place: (len(members[place]), place))
        self._batches = [
            padded([choices[place] for place in order[start : start + _GROUPS]])
            for start in range(0, len(order), _GROUPS)
        ]

    def __len__(self) -> int:
        return sum(len(states) for states, _, _ in self._batches)

    def __call__(self, head: EnergyHead) -> GroupMetrics:
        """The head's ranks and losses; the head's mode and vectors stay as they are."""
        meter = GroupMeter()
        with torch.no_grad():
            of_states = evaluate(head, self._dataset, *self._located)
            for states, positive, depth in self._batches:
                place = np.searchsorted(self._states, np.maximum(states, self._states[0]))
                energies, batch = grouped(
                    self._dataset, states, positive, of_states, torch.from_numpy(place).to(head.device)
                )
                ordered = against_policy(energies, self._dataset, states, self._policy_weight)
                value = self._losses(ordered, batch)
                meter.add(
                    energies,
                    batch,
                    dict(value.parts) | {"total": value.total},
                    depth,
                    ordered if self._policy_weight else None,
                    against_policy(torch.zeros_like(energies), self._dataset, states, 1.0),
                )
        return meter.result()


def evaluate(
    head: EnergyHead, dataset: Dataset, rows: NDArray[np.int64], index: NDArray[np.int64], offsets: NDArray[np.int64]
) -> StateOutput:
    """What the head says of states in evaluation mode, in chunks of rows; the mode is put back.

    Args:
        head: on any device, where the answer is too.
        dataset: where the rows are.
        rows: the numbers of the states' rows, as :meth:`Dataset.locate` gives them.
        index: likewise.
        offsets: likewise.
    """
    training = head.training
    head.eval()
    try:
        with torch.no_grad():
            outputs = [
                head(torch.from_numpy(dataset.rows(rows[start : start + ROWS_AT_ONCE])).to(head.device))
                for start in range(0, max(len(rows), 1), ROWS_AT_ONCE)
            ]
            output = joined_outputs(outputs)
            return state_outputs(output, *(torch.from_numpy(array).to(head.device) for array in (index, offsets)))
    finally:
        head.train(training)


def evaluate_states(
    head: EnergyHead, dataset: Dataset, states: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Energy and estimated remaining steps of states, each of shape ``(len(states),)``."""
    energies: list[NDArray[Any]] = []
    costs: list[NDArray[Any]] = []
    for start in range(0, len(states), ROWS_AT_ONCE):
        output = evaluate(head, dataset, *dataset.locate(states[start : start + ROWS_AT_ONCE]))
        energies.append(output.energy.cpu().double().numpy())
        if output.log_remaining is not None:
            costs.append(np.expm1(output.log_remaining.cpu().double().numpy()))
    nothing = np.zeros(0)
    return np.concatenate(energies or [nothing]), np.concatenate(costs) if costs else None


def padded(choices: Sequence[Choice]) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """State ids with −1 at padding, which are positive, both ``(groups, members)``, and depths, ``(groups,)``."""
    width = max(len(choice.states) for choice in choices)
    states = np.full((len(choices), width), -1, np.int64)
    positive = np.zeros((len(choices), width), bool)
    for number, choice in enumerate(choices):
        states[number, : len(choice.states)] = choice.states
        positive[number, : len(choice.states)] = choice.positive
    return states, positive, np.array([choice.depth for choice in choices], np.int64)


def choice_sets(dataset: Dataset, choices: Sequence[Choice], values: NDArray[np.float64]) -> ChoiceSets:
    """Choices as the mixing wants them.

    Args:
        dataset: where the states are.
        choices: at least one.
        values: of the members, one choice after the other; higher is better.
    """
    states = np.concatenate([choice.states for choice in choices])
    return ChoiceSets(
        logprob=dataset.logprob[states].astype(np.float64),
        value=values,
        goals=dataset.num_goals[states].astype(np.float64),
        positive=np.concatenate([choice.positive for choice in choices]),
        offsets=np.concatenate(([0], np.cumsum([len(choice.states) for choice in choices]))).astype(np.int64),
        theorem=np.array([choice.theorem for choice in choices], np.int64),
    )


def by_depth(choices: Sequence[Choice]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The places of the choices in each band of depth, with the band's name."""
    depth = np.array([choice.depth for choice in choices])
    for first, last in DEPTH_BANDS:
        inside = np.flatnonzero((depth >= first) & ((depth <= last) if last is not None else True))
        if len(inside):
            yield (f"{first}+" if last is None else f"{first}–{last}"), inside


def _depth(dataset: Dataset, decision: StateDecision) -> int:
    if decision.parent >= 0:
        return int(dataset.depth[decision.parent])
    return max(0, int(dataset.depth[decision.children].min()) - 1)
