"""How many tokens a model and its tokenizer have room for, whatever way the model knows positions.

- Learnt tables, and sines kept as tables, end: behind them an index is out of range. Those of the RoBERTa family begin
  at the padding token's id plus one, so that fewer tokens fit than the table has rows; others have rows to spare.
- Rotary positions and some biases don't end, but what the model was trained for is said in its configuration, and what
  it makes of more is anyone's guess.
- Relative positions (T5), biases by distance (ALiBi), and recurrent models have no end. Their tokenizers may say one.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from transformers import PreTrainedTokenizerBase

_CONFIGURED = ("max_position_embeddings", "max_seq_len")
"""What configurations call it; other names of the same are mapped to the first by transformers."""
_TABLES = ("position_embeddings", "embed_positions")
"""What modules with a table of positions are called where the configuration doesn't say how many tokens fit."""
_UNLIMITED = 10**15
"""Tokenizers without a limit say a number beyond this."""


def usable_length(model: Any, tokenizer: PreTrainedTokenizerBase | None = None) -> float:
    """Tokens that fit into a model, special ones included; infinite where there is no end.

    Args:
        model: loaded; of an encoder-decoder one of its halves, as each has positions of its own.
        tokenizer: the model's, if its limit counts too.
    """
    config = model.config.get_text_config()
    limits = [getattr(config, name, None) for name in _CONFIGURED]
    if config is model.config:  # the tables of a model that sees as well may be those of its eyes
        limits += [_rows(module) for module in _tables(model)]
    if tokenizer is not None:
        limits.append(tokenizer.model_max_length)
    return min((limit for limit in map(_limit, limits)), default=math.inf)


def first_position(model: Any) -> int:
    """The position of a prompt's first token: 0, or what the RoBERTa family begins with."""
    return max(
        (_offset(module) for module in _tables(model) if getattr(module, "padding_idx", None) is not None), default=0
    )


def _tables(model: Any) -> list[Any]:
    return [
        module
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in _TABLES and getattr(getattr(module, "weight", None), "ndim", 0) == 2
    ]


def _rows(table: Any) -> int:
    return int(table.weight.shape[0]) - _offset(table)


def _offset(table: Any) -> int:
    """Rows at the beginning that are no token's."""
    padding = getattr(table, "padding_idx", None)
    return int(padding) + 1 if padding is not None else int(getattr(table, "offset", 0))


def _limit(said: Any) -> float:
    # Some say -1 or 0 for none, or a number of more digits than any text has tokens.
    usable = isinstance(said, int | float) and not isinstance(said, bool) and 0 < said < _UNLIMITED
    return int(said) if usable else math.inf


def position_ids(mask: Tensor, first: int) -> Tensor:
    """The positions of tokens behind pads on the left, of the mask's shape; a pad's is the one before the first."""
    return (mask.cumsum(dim=1) * mask + first - 1).clamp_min(0)
