"""What is checked of a served encoder before anything rests on it, and how its weights are told from others'.

Servers have been seen to mix up the texts of a batch that begin alike: the rows look right, and nothing raises. So some
texts with a common beginning are embedded together and one by one. And a server doesn't tell which weights it has
loaded, only a name; what they make of these texts stands for them.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_PREFIX = "|- ( ( ph /\\ A. x e. RR ( x < y -> ( F ` x ) = 0 ) ) -> "
_ENDINGS = (
    "ps )",
    "( ps -> ch ) )",
    "E. z e. NN A = ( B + z ) )",
    "( A i^i ( B \\ C ) ) C_ ( ( A u. B ) \\ C ) )",
    "x = y )\n|- ( ph -> th )",
    "( ( 2 x. N ) - 1 ) || ( M ^ 3 ) )\n|- ( ch -> N e. ZZ )\n|- ( ch -> M e. ZZ )",
    "-. y e. ( 0 [,] 1 ) )\n|- ( ( ph /\\ -. ps ) -> ( sqrt ` 2 ) e/ QQ )",
)
TEXTS = tuple(_PREFIX + ending for ending in _ENDINGS)
"""The texts, of growing length; always the same, since fingerprints rest on them."""

_APART = 0.25
"""How far a row may move because of its batch, as a share of the way to the nearest other text's row."""
_FEATURES = 16
_GRID = 0.25


def batching_fault(together: NDArray[np.float32], alone: NDArray[np.float32], tolerance: float) -> str:
    """What is wrong with rows of a batch, compared with rows of the same texts one by one; ``""`` if nothing.

    Args:
        together: rows of texts embedded in one request, shape ``(k, width)``, finite and not zero, k at least 2.
        alone: rows of the same texts in requests of their own.
        tolerance: how far two rows of a text may be apart, as a share of the row's length.
    """
    wide = alone.astype(np.float64)
    length = np.linalg.norm(wide, axis=1)
    moved = np.linalg.norm(together - wide, axis=1)
    apart = np.linalg.norm(wide[:, None] - wide[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.min(axis=1)
    if not nearest.all():
        return "different texts get the same embedding: the server may cut them off, or embed only their beginning"
    worst = int((moved / length).argmax())
    if moved[worst] > tolerance * length[worst]:
        return (
            f"a text embedded in a batch of {len(together)} is {moved[worst] / length[worst]:.2g} of its length away "
            f"from the same text embedded alone, expected at most {tolerance:g}"
        )
    worst = int((moved / nearest).argmax())
    if moved[worst] > _APART * nearest[worst]:
        return (
            f"a text's embedding in a batch of {len(together)} is {moved[worst] / nearest[worst]:.2g} of the way to "
            f"another text's away from its embedding alone, expected at most {_APART:g}"
        )
    return ""


def identity(alone: NDArray[np.float32]) -> str:
    """A name for the weights that made these rows of :data:`TEXTS`.

    The mean direction of the rows is projected on some fixed random ones and rounded to steps that are coarse against
    the rounding of arithmetic and fine against the difference between models: projections are about normal with
    standard deviation 1, whatever the width.

    Args:
        alone: shape ``(len(TEXTS), width)``.
    """
    wide = alone.astype(np.float64)
    mean = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).mean(axis=0)
    mean /= np.linalg.norm(mean)
    steps = []
    for feature in range(_FEATURES):
        # Bits of a hash, which are the same with every version of NumPy.
        bits = np.frombuffer(hashlib.shake_256(f"proofsearch {feature}".encode()).digest(len(mean) // 8 + 1), np.uint8)
        signs = np.unpackbits(bits)[: len(mean)] * 2.0 - 1.0
        steps.append(round(float(signs @ mean) / _GRID))
    return hashlib.blake2b(repr((len(mean), steps)).encode(), digest_size=6).hexdigest()
