"""Linear layers of spectral norm 1, on torch's own parametrisation.

A layer with σ(W) = 1 stretches no direction, so a small change of the input changes the energy little (Miyato et al.
2018, arXiv:1802.05957). torch keeps the raw matrix and the two vectors of the power method in the state dict and
divides by their estimate of σ whenever ``weight`` is read.

What to know of it: in training mode *any* read of ``weight`` moves the two vectors, even under ``no_grad``; in
evaluation mode nothing moves. A copy shares the parametrised class, so it must not be removed from a copy: make the
weight anew from the state dict instead (:mod:`proofsearch_ebm.model.folded`). The power method lags behind weights that
move fast, and is slow where the two largest singular values are close: with hundreds of hashed columns σ(W) was found
at 1.23 after a training with one step of it each. So a head is judged and kept with the vectors that :func:`settle`
gives.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

EPSILON = 1e-12
"""Smallest norm that the power method divides by."""

ITERATIONS = 5
"""Steps of the power method a training step. They cost next to nothing beside the layer's batch."""


def spectral_linear(inputs: int, outputs: int, *, bias: bool = True, iterations: int = ITERATIONS) -> nn.Linear:
    """A linear layer whose weight has spectral norm 1.

    Drawn with torch's global generator: seed it first. The 15 steps of the power method that torch runs here leave σ(W)
    about 3% too large, so the layer is settled.

    Args:
        inputs: width of the input, at least 1.
        outputs: width of the output, at least 1.
        bias: whether there is one. It takes no part in the norm.
        iterations: steps of the power method a training step, at least 1.

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
    """Sets the two vectors of the power method to the singular vectors that it converges to, so that σ(W) is 1.

    From the eigenvectors of W·Wᵀ or WᵀW, whichever is smaller, in double precision: right also where the largest
    singular values are close. The raw matrix stays as it is, and so does a layer where it is zero or not finite.
    """
    tensors = layer.state_dict()  # shares memory with the layer; reading it moves nothing
    raw = tensors["parametrizations.weight.original"].double()
    if not bool(torch.isfinite(raw).all()) or not bool(raw.any()):
        return
    wide = raw.shape[0] <= raw.shape[1]
    matrix = raw if wide else raw.T
    left = torch.linalg.eigh(matrix @ matrix.T).eigenvectors[:, -1]
    right = torch.nn.functional.normalize(matrix.T @ left, dim=0, eps=EPSILON)
    tensors["parametrizations.weight.0._u"].copy_(left if wide else right)
    tensors["parametrizations.weight.0._v"].copy_(right if wide else left)


@torch.no_grad()
def sigma(layer: nn.Linear) -> float:
    """The exact spectral norm of a layer's weight as evaluation sees it. Moves nothing."""
    training = layer.training
    layer.eval()
    value = float(torch.linalg.matrix_norm(layer.weight, ord=2))
    layer.train(training)
    return value
