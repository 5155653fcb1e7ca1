"""Linear layers of spectral norm 1, on torch's own parametrisation.

A layer with σ(W) = 1 stretches no direction, so a small change of the input changes the energy little (Miyato et al.
2018, arXiv:1802.05957). torch keeps the raw matrix and the two vectors of the power method in the state dict and
divides by their estimate of σ whenever ``weight`` is read.

What to know of it: in training mode *any* read of ``weight`` moves the two vectors, even under ``no_grad``; in
evaluation mode nothing moves. A copy shares the parametrised class, so it must not be removed from a copy: make the
weight anew from the state dict instead (:mod:`proofsearch_ebm.folded`). Weights that move fast, with Adam at a learning
rate of 1e-2, say, outrun one step of the power method, and σ(W) lags at up to 1.14; at 1e-3 it stays within 3%.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

EPSILON = 1e-12
"""Smallest norm that the power method divides by."""

_SETTLED = 1e-4
_MOST_ROUNDS = 200


def spectral_linear(inputs: int, outputs: int, *, bias: bool = True, iterations: int = 1) -> nn.Linear:
    """A linear layer whose weight has spectral norm 1, to within about 1%.

    Drawn with torch's global generator: seed it first. torch runs 15 steps of the power method here, which leave
    σ(W) about 3% too large, so more follow until the estimate stands still.

    Args:
        inputs: width of the input, at least 1.
        outputs: width of the output, at least 1.
        bias: whether there is one. It takes no part in the norm.
        iterations: steps of the power method a training step, at least 1. One is enough, since weights move slowly
            and the vectors persist.

    Returns:
        The layer, in training mode. Its state dict holds ``parametrizations.weight.original`` and the buffers
        ``parametrizations.weight.0._u`` and ``…._v``; without all three a load must fail.
    """
    layer = nn.Linear(inputs, outputs, bias=bias)
    spectral_norm(layer, n_power_iterations=iterations, eps=EPSILON)
    settle(layer)
    return layer


@torch.no_grad()
def settle(layer: nn.Linear) -> None:
    """Runs the power method on a layer until its estimate of σ stands still; the raw matrix stays as it is."""
    training = layer.training
    layer.train()
    before = float("inf")
    for _ in range(_MOST_ROUNDS):
        now = float(torch.linalg.vector_norm(layer.weight))  # the raw matrix's norm over the estimate of σ
        if abs(now - before) <= _SETTLED * now:
            break
        before = now
    layer.train(training)


@torch.no_grad()
def sigma(layer: nn.Linear) -> float:
    """The exact spectral norm of a layer's weight as evaluation sees it. Moves nothing."""
    training = layer.training
    layer.eval()
    value = float(torch.linalg.matrix_norm(layer.weight, ord=2))
    layer.train(training)
    return value
