"""One step of training: groups of states in, one move of the weights out, or none where the loss is no number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from proofsearch_ebm.batch import GroupBatch
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.data.labelled import NEGATIVE_LABEL, POSITIVE_LABEL
from proofsearch_ebm.losses.weighted import WeightedLosses
from proofsearch_ebm.model.head import EnergyHead, StateOutput, state_outputs


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step came to.

    Attributes:
        energies: shape ``(groups, members)``, lower is better; without a gradient.
        ordered: the same less the weighted log-probabilities: what the losses saw.
        batch: what they belong to.
        losses: each loss by name, and ``"total"``.
        gradient_norm: before clipping.
        skipped: whether loss or gradient were no finite numbers, so that the weights were left alone.
    """

    energies: Tensor
    ordered: Tensor
    batch: GroupBatch
    losses: Mapping[str, Tensor]
    gradient_norm: float
    skipped: bool


def train_step(
    head: EnergyHead,
    optimiser: torch.optim.Optimizer,
    losses: WeightedLosses,
    dataset: Dataset,
    states: NDArray[np.int64],
    positive: NDArray[np.bool_],
    *,
    elsewhere: NDArray[np.bool_],
    policy_weight: float,
    clip: float,
    generator: torch.Generator,
) -> StepResult:
    """Makes one step.

    Args:
        head: in training mode, on the device that the step is to be made on.
        optimiser: of its parameters.
        losses: what to lower.
        dataset: where the states are.
        states: state ids, shape ``(groups, members)``; −1 at padding.
        positive: the same shape.
        elsewhere: the same shape: states that are not compared with the others.
        policy_weight: of the log-probability in the logits −E + weight · logprob: what is learned is then what the
            policy's own order misses (residual energy, Deng et al. 2020, arXiv:2004.11714).
        clip: norm to which the gradient is clipped.
        generator: of the dropout.
    """
    distinct, place = np.unique(states, return_inverse=True)
    if distinct[0] < 0:
        distinct, place = distinct[1:], np.maximum(place - 1, 0)  # padding: any state, it counts nothing
    rows, index, offsets = dataset.gather(distinct)
    output = head(torch.from_numpy(rows).to(head.device), generator)
    of_states = state_outputs(output, *(torch.from_numpy(array).to(head.device) for array in (index, offsets)))
    where = torch.from_numpy(place.reshape(states.shape)).to(head.device)
    energies, batch = grouped(dataset, states, positive, of_states, where, elsewhere)
    ordered = against_policy(energies, dataset, states, policy_weight)
    value = losses(ordered, batch)

    optimiser.zero_grad(set_to_none=True)
    norm, skipped = float("nan"), not bool(torch.isfinite(value.total))
    if not skipped:
        torch.autograd.backward(value.total)
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, clip))
        skipped = not np.isfinite(norm)
        if not skipped:
            optimiser.step()
            head.bound_scale()
    parts = {name: part.detach() for name, part in value.parts.items()} | {"total": value.total.detach()}
    return StepResult(energies.detach(), ordered.detach(), batch, parts, norm, skipped)


def grouped(
    dataset: Dataset,
    states: NDArray[np.int64],
    positive: NDArray[np.bool_],
    of_states: StateOutput,
    place: Tensor,
    elsewhere: NDArray[np.bool_] | None = None,
) -> tuple[Tensor, GroupBatch]:
    """Arranges what the head said of distinct states in groups.

    Args:
        dataset: where the states are.
        states: state ids, shape ``(groups, members)``; −1 at padding.
        positive: the same shape.
        of_states: of distinct states; on the device where the groups are wanted.
        place: there; int64, the shape of ``states``: which of the distinct ones each is; anything at padding.
        elsewhere: the shape of ``states``: those that are not compared with the others; ``None``: all are.

    Returns:
        Energies, shape ``(groups, members)``, and what they belong to.
    """
    flat = place.reshape(-1)
    present = states >= 0
    mask = present if elsewhere is None else present & ~elsewhere
    positive = positive & mask
    dead_end = present & (dataset.label[states] == NEGATIVE_LABEL)
    solved = positive
    if elsewhere is not None:
        solved = positive | (present & elsewhere & (dataset.label[states] == POSITIVE_LABEL))

    def there(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(place.device)

    def of_solved(distance: NDArray[np.float32]) -> Tensor:
        # A state may be positive although no way from it was measured, but never the other way round.
        return there(np.where(solved, distance[states], np.float32(-1)))

    def in_groups(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.index_select(0, flat).view(*place.shape, *tensor.shape[1:])

    energies = of_states.energy.index_select(0, flat).view(place.shape)
    batch = GroupBatch(
        there(mask),
        there(positive),
        of_solved(dataset.remaining),
        in_groups(of_states.log_remaining),
        there(dead_end),
        energies,
        of_solved(dataset.nats),
        there(solved),
        in_groups(of_states.exceeds),
        of_states.bounds,
    )
    return energies, batch


def against_policy(energies: Tensor, dataset: Dataset, states: NDArray[np.int64], policy_weight: float) -> Tensor:
    """The energies minus the weighted log-probabilities: what the groups are ordered by, and what losses see."""
    if policy_weight == 0:
        return energies
    logprob = np.where(states >= 0, dataset.logprob[states], np.float32(0))
    return energies - policy_weight * torch.from_numpy(logprob).to(energies.device)
