"""What a model raises while it computes, as errors for people: in one line, and naming the option that helps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from proofsearch.errors import InputError
from proofsearch_transformers.inference.config import ModelConfig
from proofsearch_transformers.inference.files import first_line

_SHOWN = 200

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class OutOfMemoryError(InputError):
    """A device has too little memory for a batch. Smaller batches may do."""


@contextmanager
def computing(config: ModelConfig, rows: int, tokens: int, length_option: str) -> Iterator[None]:
    """Names the model and the size of the batch in what torch raises.

    Args:
        config: of the component.
        rows: of the batch.
        tokens: of its longest row.
        length_option: the option that bounds the tokens.

    Raises:
        OutOfMemoryError: the device's memory is too small.
        InputError: anything else that torch raises of a batch.
    """
    what = f"{config.option('model')} {config.model}: {rows} texts of at most {tokens} tokens"
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"{what} don't fit into the device's memory ({first_line(error)[:_SHOWN]}); lower "
            f"{config.option('batch')} or {length_option}"
        ) from error
    except (IndexError, RuntimeError) as error:
        raise InputError(
            f"{what} can't be computed: {type(error).__name__}: {first_line(error)[:_SHOWN]}; if the model has fewer "
            f"positions than it says, lower {length_option}"
        ) from error


def in_parts(function: Callable[[Sequence[_Item]], Iterable[_Answer]], items: Sequence[_Item]) -> list[_Answer]:
    """What a function returns for a batch, an answer an item; for its halves where the device's memory is too small.

    Raises:
        OutOfMemoryError: it is too small for a single item.
    """
    try:
        return list(function(items))
    except OutOfMemoryError:
        half = len(items) // 2
        if not half:
            raise
    return in_parts(function, items[:half]) + in_parts(function, items[half:])
