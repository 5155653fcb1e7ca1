"""The energy head: from encoder rows to the energies of states, where **lower is more provable**.

A row is one part of a state (:mod:`proofsearch_ebm.data.parts`); a state's energy is the sum over its parts, as the
cost of an AND node is the sum of its children's (AO*, Nilsson 1980). The energy is the raw output over a learnt
temperature, because layers of spectral norm 1 alone can't reach the scale that a softmax needs to become sure; the
scale 1/t stays below :data:`MAX_SCALE`, so that a small change of a row changes the energy by a bounded amount. A
second output estimates the steps that are still missing, since one number can't serve as a logit and as a distance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from proofsearch_ebm.model.architecture import HeadConfig as HeadConfig
from proofsearch_ebm.model.architecture import bucket_values
from proofsearch_ebm.model.spectral import settle, spectral_linear

MAX_SCALE = 10_000.0
"""Bound of the learnt scale, and its reciprocal the least one.

Rows of unit length, whose raw energies differ least, begin at about 1,700 with spectral norm, standardised ones at 8,
and trainings raise that a few times. What is beyond has lost its gradient to a loss that no scale satisfies.
"""

SPECTRAL_INPUT_SPREAD = 4.0
"""Standard deviation of standardised columns where layers have spectral norm 1.

Such a layer makes of columns with standard deviation 1 hidden units so near 0 that SiLU is almost linear there, and
with it the whole energy. Without spectral norm the weights grow until it is not.
"""

ROWS_AT_ONCE = 8192
"""Rows that are put through a head in one call, where there are many."""

_COLUMNS_AT_ONCE = 128
"""Columns that are standardised together."""
_SMALLEST_NORM = 1e-12


@dataclass(frozen=True, slots=True)
class HeadOutput:
    """What the head says of rows.

    Attributes:
        energy: float, shape ``(rows,)``; lower is more provable.
        cost: float, shape ``(rows,)``, above 0: estimated remaining steps; ``None`` where the head has no such output.
        exceeds: float, shape ``(rows, bounds)``: the logit that more remains than each bound; ``None`` where the cost
            is a number of its own.
        bounds: increasing; empty where ``exceeds`` is ``None``.
    """

    energy: Tensor
    cost: Tensor | None
    exceeds: Tensor | None = None
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class StateOutput:
    """What the head says of states.

    Attributes:
        energy: float, shape ``(states,)``; lower is more provable.
        log_remaining: float, shape ``(states,)``, at least 0: estimate of log(1 + remaining steps); ``None`` where the
            head has no such output.
        exceeds: float, shape ``(states, bounds)``: the logit that more remains than each bound; ``None`` where the
            head has no such output, or a state several parts: what exceeds a bound doesn't add up.
        bounds: increasing; empty where ``exceeds`` is ``None``.
    """

    energy: Tensor
    log_remaining: Tensor | None
    exceeds: Tensor | None = None
    bounds: tuple[float, ...] = ()


class EnergyHead(nn.Module):
    """``width`` → 512 → 256 → 1 with SiLU and dropout after each hidden layer.

    Load its state dict with ``strict=True`` only: without the vectors of spectral norm it would silently answer
    garbage. In training, one call a step; each call moves those vectors by some steps of the power method.

    Args:
        config: the architecture.
        seed: of the initial weights. torch's global generator is left as it was.
    """

    input_mean: Tensor
    input_scale: Tensor
    log_temperature: Tensor

    def __init__(self, config: HeadConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        widths = (config.width, *config.hidden)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            linear = spectral_linear if config.spectral_norm else nn.Linear
            self.layers = nn.ModuleList(linear(inputs, outputs) for inputs, outputs in itertools.pairwise(widths))
            self.energy_output = linear(widths[-1], 1, bias=config.output_bias)
            # A plain layer: steps go up to dozens, out of reach of one with spectral norm 1.
            outputs = max(1, len(config.remaining_bounds))
            self.cost_output = nn.Linear(widths[-1], outputs) if config.remaining_output else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in config.hidden) if config.layer_norm else None
        self.register_buffer("input_mean", torch.zeros(config.width))
        self.register_buffer("input_scale", torch.ones(config.width))
        if config.learnable_scale:
            self.log_temperature = nn.Parameter(torch.zeros(()))
        else:
            self.register_buffer("log_temperature", torch.zeros(()))

    def forward(self, rows: Tensor, generator: torch.Generator | None = None) -> HeadOutput:
        """Energies and costs of rows.

        Args:
            rows: float, shape ``(rows, width)``, as the encoder made them.
            generator: draws what is dropped in training, on the processor; default: torch's global one.
        """
        hidden: Tensor = self._prepared(rows)
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden)
            if self.norms is not None:
                hidden = self.norms[number](hidden)
            hidden = functional.silu(hidden)
            if self.training and self.config.dropout > 0:
                hidden = _dropout(hidden, self.config.dropout, generator)
        raw = self.energy_output(hidden).squeeze(-1)
        energy = raw / torch.exp(self.log_temperature)
        if self.cost_output is None:
            return HeadOutput(energy, None)
        second = self.cost_output(hidden)
        if not self.config.remaining_bounds:
            return HeadOutput(energy, functional.softplus(second.squeeze(-1)))
        return HeadOutput(energy, self._expected(second), second, self.config.remaining_bounds)

    def _expected(self, exceeds: Tensor) -> Tensor:
        """What is to be expected by the logits of exceeding each bound, shape ``(rows,)``."""
        least, *values = bucket_values(self.config.remaining_bounds)
        steps = torch.tensor(values).diff(prepend=torch.tensor([least])).to(exceeds.device)
        expected: Tensor = least + torch.sigmoid(exceeds) @ steps
        return expected

    @property
    def device(self) -> torch.device:
        """Where it is, and where rows have to be."""
        return self.input_mean.device

    def _prepared(self, rows: Tensor) -> Tensor:
        if self.config.inputs == "zscore":
            return (rows - self.input_mean).mul_(self.input_scale)  # in place: rows are wide, and have no gradient
        if self.config.inputs == "l2":
            norms: Tensor = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
            return rows / norms.clamp_min(_SMALLEST_NORM)
        return rows

    # --------------------------------------------------------------------------------------------- before training

    @torch.no_grad()
    def fit_inputs(self, rows: NDArray[np.float32]) -> None:
        """Fits the standardisation of the columns, where there is one; see also :data:`SPECTRAL_INPUT_SPREAD`.

        Args:
            rows: shape ``(rows, width)``, of the *training* theorems only.
        """
        if self.config.inputs == "zscore":
            mean, scale = standardisation(rows)
            spread = SPECTRAL_INPUT_SPREAD if self.config.spectral_norm else 1.0
            self.input_mean.copy_(torch.from_numpy(mean))
            self.input_scale.copy_(torch.from_numpy(spread * scale))

    @torch.no_grad()
    def set_scale(self, rows: Tensor, index: Tensor | None = None, offsets: Tensor | None = None) -> float:
        """Sets the temperature so that the energies have standard deviation 1; does nothing where it is fixed.

        Args:
            rows: float, shape ``(rows, width)``: a sample of the training states.
            index: with ``offsets``, the parts of states, as :func:`state_outputs` takes them.
            offsets: see there. Without them every row is a state.

        Returns:
            The standard deviation before. Where it is 0 or not finite (fewer than two states), nothing is changed.
        """
        training = self.training
        self.eval()
        # In chunks, since the columns of all rows standardised would take as much memory again.
        outputs = [self(rows[start : start + ROWS_AT_ONCE]) for start in range(0, max(len(rows), 1), ROWS_AT_ONCE)]
        self.train(training)
        output = joined_outputs(outputs)
        energy = output.energy
        if index is not None and offsets is not None:
            energy = state_outputs(output, index, offsets).energy
        found = float(energy.double().std(correction=0)) if energy.numel() > 1 else 0.0
        if self.config.learnable_scale and 0 < found < math.inf:
            self.log_temperature.add_(math.log(found))
            self.bound_scale()
        return found

    @torch.no_grad()
    def bound_scale(self) -> None:
        """Brings the learnt scale back to at most :data:`MAX_SCALE` and at least its reciprocal, after every step."""
        if self.config.learnable_scale:
            self.log_temperature.clamp_(-math.log(MAX_SCALE), math.log(MAX_SCALE))

    def with_exact_norms(self) -> EnergyHead:
        """A copy in evaluation mode whose layers have spectral norm 1 exactly: what is judged and kept.

        The head itself stays as it is, so that looking at it changes nothing of its training.
        """
        head = EnergyHead(self.config)
        head.load_state_dict(self.state_dict())
        if self.config.spectral_norm:  # on the processor: in double precision, which not every device has
            for layer in (*head.layers, head.energy_output):
                settle(layer)
        return head.to(self.device).eval()

    @torch.no_grad()
    def set_cost(self, steps: float) -> None:
        """Lets every part cost about ``steps`` (above 0) at first: the mean of the training parts is a good start."""
        if self.cost_output is None:
            return
        if self.config.remaining_bounds:
            # The logit of exp(-bound / steps): what is waited for has an exponential distribution.
            shares = torch.tensor(self.config.remaining_bounds) / steps
            self.cost_output.bias.copy_(-torch.log(torch.expm1(shares)))
        else:
            self.cost_output.bias.fill_(steps + math.log(-math.expm1(-steps)))  # the inverse of softplus

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Parameter groups for an optimiser: ``weights`` decay; ``rest`` (biases, LayerNorm) and ``scale`` don't.

        Each has ``params``, ``weight_decay`` and ``name``; one without parameters is left out.
        """
        groups: dict[str, list[nn.Parameter]] = {"weights": [], "rest": [], "scale": []}
        for name, parameter in self.named_parameters():
            kind = "scale" if name == "log_temperature" else "weights" if parameter.ndim > 1 else "rest"
            groups[kind].append(parameter)
        return [
            {"name": name, "params": members, "weight_decay": weight_decay if name == "weights" else 0.0}
            for name, members in groups.items()
            if members
        ]


def joined_outputs(outputs: Sequence[HeadOutput]) -> HeadOutput:
    """What the head said of rows in several calls, at least one."""

    def together(chunks: Sequence[Tensor | None]) -> Tensor | None:
        known = [chunk for chunk in chunks if chunk is not None]
        return torch.cat(known) if known else None

    return HeadOutput(
        torch.cat([output.energy for output in outputs]),
        together([output.cost for output in outputs]),
        together([output.exceeds for output in outputs]),
        outputs[0].bounds,
    )


def state_outputs(output: HeadOutput, index: Tensor, offsets: Tensor) -> StateOutput:
    """Adds up the parts of each state.

    Args:
        output: of distinct rows.
        index: int64, shape ``(parts,)``: the row of each part, the states' parts one after the other.
        offsets: int64, shape ``(states + 1,)``: where each state's parts begin in ``index``.
    """
    states = torch.arange(len(offsets) - 1, device=index.device)
    owner = torch.repeat_interleave(states, offsets.diff())

    def added(rows: Tensor) -> Tensor:
        # index_select, whose gradient is an index_add: reproducible on the processor, unlike that of rows[index].
        return rows.new_zeros(len(states)).index_add(0, owner, rows.index_select(0, index))

    log_remaining = None if output.cost is None else torch.log1p(added(output.cost))
    energy = added(output.energy)
    if output.exceeds is None or len(index) != len(states) or not bool((offsets.diff() == 1).all()):
        return StateOutput(energy, log_remaining)
    return StateOutput(energy, log_remaining, output.exceeds.index_select(0, index), output.bounds)


def standardisation(rows: ArrayLike, floor: float = 0.1) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What brings columns to mean 0 and about standard deviation 1.

    Args:
        rows: shape ``(rows, width)``, at least one row.
        floor: standard deviations below this share of their root mean square count as that much. A column that is
            used once in a hundred thousand rows would otherwise stand out by 300 standard deviations there.

    Returns:
        ``mean`` and ``scale``, each of shape ``(width,)``, for ``(rows − mean) · scale``. The scale is 0 for a column
        that never varies: nothing can be learnt of it, and nothing should be made of it later.
    """
    values = np.asarray(rows)
    # Some columns at a time: all of them in double precision would take four times the rows' memory. Sums over rows
    # are the same whatever stands beside a column.
    blocks = np.array_split(values, max(1, values.shape[1] // _COLUMNS_AT_ONCE), axis=1)
    means = [block.mean(axis=0, dtype=np.float64) for block in blocks]
    spread = np.concatenate(
        [
            np.sqrt(np.mean((block - own) ** 2, axis=0, dtype=np.float64))
            for block, own in zip(blocks, means, strict=True)
        ]
    )
    mean = np.concatenate(means)
    varies = spread > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    if not varies.any():
        return mean.astype(np.float32), np.zeros_like(mean, np.float32)
    least = floor * float(np.sqrt(np.mean(spread[varies] ** 2)))
    scale = np.where(varies, 1.0 / np.maximum(spread, max(least, 1e-30)), 0.0)
    return mean.astype(np.float32), scale.astype(np.float32)


def _dropout(hidden: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Dropout whose randomness a trainer can save and restore; torch's own takes no generator.

    It is drawn on the processor whatever the device, so a training drops the same everywhere, and one that was begun
    on one device goes on with the same random numbers on another.
    """
    kept = torch.rand(hidden.shape, generator=generator, dtype=hidden.dtype) >= rate
    return hidden * kept.to(hidden.device) / (1.0 - rate)
