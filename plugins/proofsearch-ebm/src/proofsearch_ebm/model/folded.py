"""The head as a search runs it: plain matrices in NumPy, with nothing left of what only training needs.

Spectral norm, temperature and the columns' standardisation are multiplied into the weights. NumPy does, because the
head is three matrix products: it is as fast as torch's inference mode from 8 rows on and twice as fast for a single
one, and a search's workers need not import torch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.trainers.tensors import Unread
from proofsearch_ebm.model.architecture import bucket_values

if TYPE_CHECKING:
    from proofsearch_ebm.model.architecture import HeadConfig
    from proofsearch_ebm.model.head import EnergyHead

Float = NDArray[np.float32]
Double = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FoldedOutput:
    """What the folded head says.

    Attributes:
        energy: shape ``(rows,)`` or ``(states,)``; **lower is more provable**.
        remaining: the same shape, at least 0: estimated remaining steps (not their logarithm); ``None`` where the head
            has no such output.
    """

    energy: Float
    remaining: Float | None


@dataclass(frozen=True, slots=True)
class FoldedLayer:
    """``silu(norm(rows @ weight + bias))``, with weight of shape ``(inputs, outputs)``."""

    weight: Float
    bias: Float
    gain: Float | None = None
    shift: Float | None = None
    epsilon: float = 1e-5

    def __call__(self, rows: Float) -> Float:
        """Shape ``(rows, outputs)``."""
        hidden: Float = rows @ self.weight
        hidden += self.bias
        if self.gain is not None and self.shift is not None:
            hidden -= hidden.mean(axis=1, keepdims=True)
            hidden /= np.sqrt(np.mean(hidden * hidden, axis=1, keepdims=True) + np.float32(self.epsilon))
            hidden = hidden * self.gain + self.shift
        with np.errstate(over="ignore"):  # exp(−x) may overflow: x / inf is the limit
            denominator: Float = np.exp(-hidden)
        denominator += 1
        hidden /= denominator
        return hidden


@dataclass(frozen=True, slots=True)
class FoldedHead:
    """A head for inference, made by :func:`fold`; a value, safe to share between threads.

    Attributes:
        layers: the hidden ones.
        weight: shape ``(hidden, outputs)``: energy, and remaining steps where the head has that output.
        bias: shape ``(outputs,)``.
        unit_rows: whether rows are scaled to unit length first.
        buckets: what stands for each bucket of remaining steps, shape ``(buckets,)``, where the second output is the
            logits of exceeding the bounds between them; ``None`` where it is one number.
    """

    layers: tuple[FoldedLayer, ...]
    weight: Float
    bias: Float
    unit_rows: bool = False
    buckets: Float | None = None

    @property
    def width(self) -> int:
        """The number of columns of a row."""
        return len(self.layers[0].weight)

    def __call__(self, rows: Float) -> FoldedOutput:
        """Energy and remaining steps of rows, shape ``(rows, width)``, as the encoder made them."""
        hidden = np.asarray(rows, np.float32)
        if self.unit_rows:
            hidden = hidden / np.maximum(np.linalg.norm(hidden, axis=1, keepdims=True), np.float32(1e-12))
        for layer in self.layers:
            hidden = layer(hidden)
        out = hidden @ self.weight + self.bias
        return FoldedOutput(out[:, 0], self._remaining(out[:, 1:]) if out.shape[1] > 1 else None)

    def _remaining(self, second: Float) -> Float:
        if self.buckets is None:
            number: Float = np.logaddexp(np.float32(0), second[:, 0])
            return number
        with np.errstate(over="ignore"):  # exp(-x) may overflow: 1 / inf is the limit
            exceeds = 1 / (1 + np.exp(-second))
        expected: Float = self.buckets[0] + exceeds @ np.diff(self.buckets)
        return expected

    def states(self, rows: Float, index: NDArray[np.int64], offsets: NDArray[np.int64]) -> FoldedOutput:
        """Energy and remaining steps of states.

        Args:
            rows: shape ``(rows, width)``: distinct rows.
            index: shape ``(parts,)``: the row of each part, the states' parts one after the other.
            offsets: shape ``(states + 1,)``: where each state's parts begin in ``index``.
        """
        return add_parts(self(rows), index, offsets)


def add_parts(output: FoldedOutput, index: NDArray[np.int64], offsets: NDArray[np.int64]) -> FoldedOutput:
    """Adds up the parts of each state; the arguments are those of :meth:`FoldedHead.states`.

    The sums are made in double precision, so that the order of a state's parts changes nothing that matters.
    """
    states = len(offsets) - 1
    owner = np.repeat(np.arange(states), np.diff(offsets))

    def added(rows: Float) -> Float:
        return np.bincount(owner, rows[index], minlength=states).astype(np.float32)

    return FoldedOutput(added(output.energy), None if output.remaining is None else added(output.remaining))


def fold(head: EnergyHead) -> FoldedHead:
    """Copies a head into plain matrices; see :func:`fold_tensors`. The head is left as it was, training or not."""
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in head.state_dict().items()}
    return fold_tensors(head.config, tensors, "the head")


def fold_tensors(config: HeadConfig, tensors: Mapping[str, NDArray[Any]], source: object) -> FoldedHead:
    """Folds a head's state dict into plain matrices, without torch.

    The energies equal those of the head in evaluation mode within 1e-5 of their scale: there too the vectors of
    spectral norm stand still, and a weight is its raw matrix W over the estimate σ = u·W·v.

    Args:
        config: the architecture.
        tensors: all of :class:`~proofsearch_ebm.model.head.EnergyHead`'s state dict.
        source: where they come from, for errors.

    Raises:
        InputError: a tensor is missing, unknown, of another shape or type, or not finite, or the folded weights are
            not.
    """
    unread = Unread(tensors, source)

    def take(name: str, *shape: int) -> Double:
        return unread.take(name, *shape).astype(np.float64)

    def linear(name: str, inputs: int, outputs: int, *, spectral: bool, bias: bool) -> tuple[Double, Double]:
        if spectral:
            weight = take(f"{name}.parametrizations.weight.original", outputs, inputs)
            left = take(f"{name}.parametrizations.weight.0._u", outputs)
            right = take(f"{name}.parametrizations.weight.0._v", inputs)
            sigma = float(left @ weight @ right)
            if sigma == 0:
                raise InputError(f"{source}: the layer {name!r} has no spectral norm; train it again")
            weight = _over(weight, sigma)
        else:
            weight = take(f"{name}.weight", outputs, inputs)
        return weight.T, take(f"{name}.bias", outputs) if bias else np.zeros(outputs)

    layers = []
    widths = (config.width, *config.hidden)
    mean, scale = take("input_mean", config.width), take("input_scale", config.width)
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weight, bias = linear(f"layers.{number}", inputs, outputs, spectral=config.spectral_norm, bias=True)
        if number == 0 and config.inputs == "zscore":
            weight = scale[:, None] * weight
            bias = bias - mean @ weight
        gain = shift = None
        if config.layer_norm:
            gain, shift = (_single(take(f"norms.{number}.{kind}", outputs)) for kind in ("weight", "bias"))
        layers.append(FoldedLayer(_single(weight), _single(bias), gain, shift))
    weight, bias = linear("energy_output", widths[-1], 1, spectral=config.spectral_norm, bias=config.output_bias)
    log_temperature = take("log_temperature")
    temperature = _temperature(log_temperature)
    bounds = config.remaining_bounds
    columns = [(_over(weight, temperature), _over(bias, temperature))]
    if config.remaining_output:
        columns.append(linear("cost_output", widths[-1], max(1, len(bounds)), spectral=False, bias=True))
    unread.refuse_rest()
    head = FoldedHead(
        layers=tuple(layers),
        weight=_single(np.concatenate([weight for weight, _ in columns], axis=1)),
        bias=_single(np.concatenate([bias for _, bias in columns])),
        unit_rows=config.inputs == "l2",
        buckets=np.array(bucket_values(bounds), np.float32) if bounds else None,
    )
    _refuse_infinite(head, float(log_temperature), source)
    return head


def _refuse_infinite(head: FoldedHead, log_temperature: float, source: object) -> None:
    for name, array in _arrays(head):
        if not np.isfinite(array).all():
            raise InputError(
                f"{source}: {name} of the head are not finite once its scales are multiplied in (log_temperature is "
                f"{log_temperature:g}); train it again, perhaps with a lower --ebm-learning-rate"
            )


def _temperature(logarithm: Double) -> Double:
    with np.errstate(over="ignore", under="ignore"):
        # As the head has it: in single precision. An infinite one would make every energy 0, so it is none.
        temperature = np.exp(logarithm.astype(np.float32)).astype(np.float64)
    return np.full_like(temperature, np.nan) if np.isinf(temperature) else temperature


def _arrays(head: FoldedHead) -> Iterator[tuple[str, Float]]:
    for number, layer in enumerate(head.layers):
        yield f"the weights of layer {number}", layer.weight
        yield f"the biases of layer {number}", layer.bias
    yield "the weights of the output", head.weight
    yield "the biases of the output", head.bias


def _over(values: Double, divisor: float | Double) -> Double:
    """The quotient, not finite where it can't be said."""
    with np.errstate(all="ignore"):
        return np.asarray(np.divide(values, divisor))


def _single(values: Double) -> Float:
    with np.errstate(over="ignore"):  # to inf, which is refused
        return np.ascontiguousarray(values, np.float32)
