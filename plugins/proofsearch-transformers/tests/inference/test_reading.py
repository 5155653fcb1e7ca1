"""What is kept of prompts that were read: within its bounds, and what serves longest stays longest."""

from __future__ import annotations

import pytest
import torch
from proofsearch_transformers.inference.reading import KeptReadings, Reading, groups, next_tokens, reads_whole
from transformers import LlamaConfig, MistralConfig, Qwen2Config

from proofsearch.protocols import PolicyStatistics

NEXT = PolicyStatistics(best=-1.0)


def reading(hidden: int = 10, cache: int = 100) -> Reading:
    """Of so many bytes of hidden states, and of keys and values each."""
    tensor = torch.zeros(cache, 1, 1, dtype=torch.uint8)
    return Reading({None: torch.zeros(hidden, 1, dtype=torch.uint8)}, NEXT, [(tensor, tensor)] if cache else None)


def test_keys_and_values_go_first_and_the_oldest_of_them() -> None:
    kept = KeptReadings()
    for prompt in range(4):
        kept.put([prompt], reading(), 450)
    found = [kept.get([prompt]) for prompt in range(4)]
    assert all(one is not None for one in found)
    assert [one is not None and one.cache is not None for one in found] == [False, False, True, True]
    kept.get([0])
    for prompt in range(4, 7):
        kept.put([prompt], reading(cache=0), 60)
    assert [prompt for prompt in range(7) if kept.get([prompt])] == [0, 2, 3, 4, 5, 6]


def test_what_was_used_is_forgotten_and_counted_so() -> None:
    kept = KeptReadings()
    kept.put([1], reading(), 1000)
    kept.put([1], reading(), 1000)  # again, as by another user: it takes no more
    kept.put([2], reading(), 420)
    assert all((one := kept.get([prompt])) is not None and one.cache is not None for prompt in (1, 2))
    kept.spend([1])
    kept.put([3], reading(), 430)
    assert [(one := kept.get([prompt])) is not None and one.cache is not None for prompt in (1, 2, 3)] == [
        False,
        True,
        True,
    ]
    kept.spend([9])
    kept.clear()
    assert kept.get([2]) is None
    kept.put([2], reading(), 0)
    assert kept.get([2]) is None


def test_a_row_that_is_kept_does_not_keep_its_batch() -> None:
    batch = torch.zeros(64, 100, 8)
    kept = KeptReadings()
    kept.put([1], Reading({None: batch[3, 10:20]}, NEXT, [(batch[3, 10:20, None], batch[4, 10:20, None])]), 1e9)
    one = kept.get([1])
    assert one is not None and one.cache is not None
    for tensor in (one.hidden[None], *one.cache[0]):
        assert tensor.untyped_storage().nbytes() == 10 * 8 * 4


def test_prompts_are_grouped_by_length_and_bounded() -> None:
    lengths = [5, 50, 6, 60, 7, 70, 8, 80, 90]
    assert groups(lengths, 64) == [[0, 2, 4, 6, 1], [3, 5, 7, 8]]
    assert [len(group) for group in groups(lengths, 2)] == [2, 2, 2, 2, 1]
    assert groups([3], 64) == [[0]]


def test_what_is_impossible_has_no_probability() -> None:
    """Some models give tokens that they never write minus infinity, which must not make an entropy of nan."""
    (one,) = next_tokens(torch.tensor([[0.0, 0.0, -torch.inf]]))
    assert one.best == one.second == pytest.approx(-0.6931, abs=1e-3)
    assert one.entropy == pytest.approx(0.6931, abs=1e-3)
    assert one.mass == pytest.approx(1.0)


def test_which_layers_keep_a_whole_prompt() -> None:
    assert reads_whole(LlamaConfig(), 10**6)
    assert reads_whole(Qwen2Config(sliding_window=16), 10**6), "its window is off unless it says use_sliding_window"
    assert reads_whole(MistralConfig(sliding_window=16), 15)
    assert not reads_whole(MistralConfig(sliding_window=16), 16)
    hybrid = LlamaConfig()
    hybrid.layer_types = ["linear_attention", "full_attention"]
    assert not reads_whole(hybrid, 4)
