"""How tokens are drawn and where answers end, without a model."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_transformers.inference.sampling import Draw, Ended, answer_length, uniforms
from torch import Tensor
from transformers import PreTrainedTokenizerFast

LOGITS = torch.tensor([[1.0, 3.0, -2.0, 2.5, 0.0]])
GRID = 20_000


def frequencies(temperature: float, top_p: float) -> Tensor:
    """How often each token is chosen, over evenly spaced numbers: the distribution itself, with no randomness."""
    numbers = ((torch.arange(GRID, dtype=torch.float64) + 0.5) / GRID)[:, None]
    scores = Draw(numbers, temperature, top_p)(torch.empty(0), LOGITS.expand(GRID, -1))
    assert torch.isfinite(scores).sum(dim=1).eq(1).all()
    return scores.argmax(dim=1).bincount(minlength=5) / GRID


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_temperature_says(temperature: float) -> None:
    expected = (LOGITS[0] / temperature).softmax(dim=0)
    assert torch.allclose(frequencies(temperature, 1.0), expected, atol=2 / GRID)


def test_top_p_keeps_the_smallest_set_that_is_likely_enough() -> None:
    # 0.55, 0.33, 0.07, 0.03 and 0.00: the two likeliest together are the first to reach 0.6.
    expected = torch.zeros(5)
    expected[[1, 3]] = LOGITS[0, [1, 3]].softmax(dim=0)
    assert torch.allclose(frequencies(1.0, 0.6), expected, atol=2 / GRID)
    assert frequencies(1.0, 1e-9).tolist() == [0, 1, 0, 0, 0]


def test_log_probabilities_are_the_models_whatever_was_drawn_by() -> None:
    expected = LOGITS[0].log_softmax(dim=0)
    for draw in (Draw(torch.tensor([[0.9]]), 0.1, 0.5), Draw(torch.tensor([[0.999]]), 9.0), Draw(None)):
        chosen = draw(torch.empty(0), LOGITS).argmax()
        assert draw.take(1)[0, 0] == pytest.approx(expected[chosen])


@settings(deadline=None)
@given(seed=st.integers(-(2**70), 2**70), length=st.integers(1, 50))
def test_numbers_depend_on_seed_and_sample_alone(seed: int, length: int) -> None:
    numbers = uniforms(seed, 3, length)
    assert torch.equal(numbers, uniforms(seed, 3, 60)[:length])
    assert not torch.equal(numbers, uniforms(seed, 4, length))
    assert not torch.equal(numbers, uniforms(seed + 1, 3, length))
    assert (numbers >= 0).all()
    assert (numbers < 1).all()


def test_no_number_chooses_a_token_of_probability_zero() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]])
    for number in (0.0, float(uniforms(0, 0, 1)), 1 - 1e-6):
        assert Draw(torch.tensor([[number]], dtype=torch.float64))(torch.empty(0), logits).argmax() in (1, 2)


@pytest.mark.parametrize(
    ("tokens", "stop", "length"),
    [
        (("c", "d", "</s>", "<pad>", "<pad>"), (), 3),
        (("c", "d", "</s>", "</s>", "</s>"), ("\n",), 3),  # an end of sequence that is the pad as well
        (("c", "a\n", "<pad>"), ("\n",), 2),  # in the middle of a token
        (("c", "\nb", "</s>"), ("\n",), 2),
        (("c", "d", "e", "</s>"), ("de",), 3),  # of several tokens
        (("c", "\nb", "d"), ("c\nb", "d"), 2),  # the first to be complete
        (("</s>", "<pad>"), ("\n",), 1),
        (("c", "d", "e"), ("\n",), None),
        (("c", "d"), (), None),
        (("c", "</s>", "\n"), ("\n",), 2),  # what follows the end counts for nothing
    ],
)
def test_an_answer_reaches_to_the_token_that_ends_it(
    tokenizer: PreTrainedTokenizerFast, tokens: tuple[str, ...], stop: tuple[str, ...], length: int | None
) -> None:
    ids = [tokenizer.convert_tokens_to_ids(token) for token in tokens]
    assert all(id_ != tokenizer.unk_token_id for id_ in ids)
    assert answer_length(tokenizer, ids, (tokenizer.eos_token_id,), stop) == length


def test_a_stop_string_ends_its_own_row_and_few_rows_left_end_all(tokenizer: PreTrainedTokenizerFast) -> None:
    rows = [("a", "\n", "c"), ("a", "\nb", "c"), ("a", "</s>", "<pad>"), ("a", "b", "c"), ("\n", "b", "c")]
    ids = torch.tensor([[tokenizer.convert_tokens_to_ids(token) for token in row] for row in rows])
    ends = (tokenizer.eos_token_id,)
    own = [True, True, False, False, False]  # the prompt's line break doesn't count, nor does the end of sequence
    assert Ended(tokenizer, ("\n",), 1, ends, 0)(ids, None).tolist() == own
    assert Ended(tokenizer, ("\n",), 1, ends, 1)(ids, None).tolist() == own
    assert Ended(tokenizer, ("\n",), 1, ends, 2)(ids, None).tolist() == [True] * 5
    assert Ended(tokenizer, (), 1, (), 4)(ids, None).tolist() == [False] * 5
