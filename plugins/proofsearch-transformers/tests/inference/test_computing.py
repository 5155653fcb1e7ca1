"""What torch raises of a batch becomes one line with the model, the batch and the option; memory is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from proofsearch_transformers.inference.computing import OutOfMemoryError, computing
from proofsearch_transformers.inference.config import EncoderConfig

from proofsearch.errors import InputError


def test_a_tensor_of_many_lines_is_not_shown(tmp_path: Path) -> None:
    config = EncoderConfig(model=str(tmp_path))
    for error in (IndexError, RuntimeError):
        with (
            pytest.raises(InputError) as caught,
            computing(config, 3, 700, "--transformers-max-length"),
        ):
            raise error(f"index out of range in {torch.zeros(40, 40)!r}")
        said = str(caught.value)
        assert "3 texts of at most 700 tokens can't be computed" in said
        assert said.endswith("lower --transformers-max-length")
        assert "\n" not in said
        assert len(said) < 600


def test_too_little_memory_is_told_apart(tmp_path: Path) -> None:
    with (
        pytest.raises(OutOfMemoryError, match=r"lower --transformers-batch or --transformers-max-length"),
        computing(EncoderConfig(model=str(tmp_path)), 3, 700, "--transformers-max-length"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


def test_other_errors_are_bugs_and_stay(tmp_path: Path) -> None:
    with pytest.raises(KeyError), computing(EncoderConfig(model=str(tmp_path)), 1, 1, "--x"):
        raise KeyError("a")
