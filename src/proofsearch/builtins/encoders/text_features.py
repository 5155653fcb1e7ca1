"""Features of goals without a tree: hashes of tokens, of neighbouring tokens, and of tokens with their nesting.

Tokens are names (with dots and primes inside, a leading ``?`` for placeholders), numbers, the turnstile, and single
other characters. A token counts apart before and after the turnstile: what is to be shown differs from what is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"\|-|={4,}|\??\w+(?:[.']+\w+)*'*|[^\w\s]")
_TURNSTILES = frozenset(("|-", "⊢", "===="))
_NESTING = {"(": 1, "[": 1, "{": 1, "⟨": 1, ")": -1, "]": -1, "}": -1, "⟩": -1}
_DEEPEST = 4
"""Nesting beyond this counts as this."""

_STEP, _FINISH = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)
_UNIGRAM, _BIGRAM, _SKIP, _NESTED, _SIDE, _EMPTY = (
    np.uint64(c)
    for c in (
        0xE7037ED1A0B428DB,
        0x8EBC6AF09C88C6E3,
        0x589965CC75374CC3,
        0x1D8E4E27C47D124F,
        0xEB44ACCAB455D165,
        0x9E6C63D0876A9A47,
    )
)


def text_features(texts: Sequence[str], hashes: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The features of each text, with repetitions; a text without tokens has one of its own.

    Args:
        texts: at least one.
        hashes: the 64-bit hash of every token.

    Returns:
        For each feature the text it belongs to and its hash, in no particular order.
    """
    tokens: list[str] = []
    lengths = np.zeros(len(texts), np.int64)
    for i, text in enumerate(texts):
        found = _TOKEN.findall(text)
        lengths[i] = len(found)
        tokens += found
    size = len(tokens)
    text_of = np.repeat(np.arange(len(texts)), lengths)
    token = np.fromiter(map(hashes.__getitem__, tokens), np.uint64, size)
    starts = (np.cumsum(lengths) - lengths)[text_of]
    nesting = _since(np.fromiter((_NESTING.get(t, 0) for t in tokens), np.int64, size), starts)
    turned = _since(np.fromiter((t[:4] in _TURNSTILES for t in tokens), np.int64, size), starts)
    after = (turned > 0).astype(np.uint64)
    depth = np.clip(nesting, 0, _DEEPEST).astype(np.uint64)

    rows = [text_of, text_of, np.flatnonzero(lengths == 0)]
    values = [
        token + _UNIGRAM + after * _SIDE,
        token * _STEP + _NESTED + depth * _SIDE,
        np.full(len(rows[2]), _EMPTY),
    ]
    for gap, salt in ((1, _BIGRAM), (2, _SKIP)):
        left = np.flatnonzero(text_of[gap:] == text_of[: size - gap]) if size > gap else np.zeros(0, np.int64)
        rows.append(text_of[left])
        values.append(token[left] * salt + token[left + gap])
    mixed = np.concatenate(values)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * _FINISH
    return np.concatenate(rows), mixed ^ (mixed >> np.uint64(29))


def _since(steps: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Running sums of ``steps`` that begin anew with each text."""
    sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(steps)))
    return sums[1:] - sums[starts]
