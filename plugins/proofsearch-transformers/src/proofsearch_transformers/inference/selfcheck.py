"""What is checked of a model before anything rests on it: that a batch gives what its members give alone.

A wrong attention mask, positions that count pads, a kernel that mixes rows up: all of them give plausible vectors. So
texts of many lengths, some with a common beginning, are encoded together and one by one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.types import State
from proofsearch_transformers.inference.prompting import PromptTokenizer, PromptTokens

TOLERANCE = {torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""How far rows may differ, as a share of a row's largest entry: what rounding can come to through the layers."""
_WORDS = "|- ( ph -> ps ) = A e. RR wff ⊢ ∀ x : ℕ , h₁ ⊕ y exact 0 + 17 forall H0 nat"
_LENGTHS = (1, 2, 3, 5, 9, 17, 33)
_PREFIX = 12


def sample_texts() -> list[str]:
    """The texts of the check, always the same: of growing length, and some that begin alike."""
    draw, words = random.Random(0), _WORDS.split()
    texts = [" ".join(draw.choices(words, k=length)) for length in _LENGTHS]
    prefix = " ".join(draw.choices(words, k=_PREFIX))
    return [*texts, prefix, *(f"{prefix} {' '.join(draw.choices(words, k=length))}" for length in (1, 4, 11))]


def check_batching(
    what: str,
    prompts: PromptTokenizer,
    pool: Callable[[Sequence[PromptTokens]], NDArray[np.float32]],
    dtype: torch.dtype,
) -> None:
    """Compares a batch with singles.

    Args:
        what: the model, for the message.
        prompts: makes tokens of states.
        pool: one forward pass; a row for each prompt.
        dtype: of the arithmetic; :data:`TOLERANCE` says what it allows.

    Raises:
        InputError: rows differ by more, are not finite or all zeros.
    """
    tokens = prompts([State(text, ()) for text in sample_texts()])
    together = pool(tokens)
    alone = np.concatenate([pool([one]) for one in tokens])
    scale = np.abs(alone).max(axis=1)
    if not (np.isfinite(together).all() and np.isfinite(alone).all() and scale.all()):
        raise InputError(
            f"{what}: the model's check at start failed: hidden states that are not finite or all zeros; half "
            f"precision may overflow: try float32, or another layer"
        )
    difference = float((np.abs(together - alone).max(axis=1) / scale).max())
    tolerance = TOLERANCE.get(dtype, max(TOLERANCE.values()))
    if difference > tolerance:
        raise InputError(
            f"{what}: the model's check at start failed: {len(tokens)} texts encoded together differ from the same "
            f"texts alone by {difference:.2g} of their largest entry, expected at most {tolerance:g}; what it gives "
            f"depends on the batch, so it can't be used: try another attention implementation, dtype or version of "
            f"transformers"
        )
