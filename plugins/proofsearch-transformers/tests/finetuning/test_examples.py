"""What the model is trained on: tokens, labels on the answer alone, and what a validation counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_transformers.finetuning.examples import (
    ByLength,
    Collate,
    Example,
    Examples,
    Templates,
    answer_counts,
    answer_metrics,
    encode_pair,
    prompt_loss,
)
from proofsearch_transformers.finetuning.pairs import Pair
from proofsearch_transformers.finetuning.tokenizer import END, PAD, train_tokenizer
from transformers import EvalPrediction

from proofsearch.models.prompts import TEMPLATES, PromptTemplate
from proofsearch.types import Goal, State, Theorem

PLAIN, WHOLE = TEMPLATES["plain"], TEMPLATES["whole-proof"]
TOKENIZER = train_tokenizer(["[STATE]\n|- ( ph -> ps )\n[TACTIC]\n", "a1i", "syl"] * 3, 290)


def pair(text: str = "|- ph", tactic: str = "syl") -> Pair:
    return Pair(Theorem("th", "|- ph"), State(text, (Goal(text),)), tactic)


def test_the_loss_is_on_the_tactic_and_the_end_and_on_nothing_else() -> None:
    example = encode_pair(pair("|- ( ph -> ps )", "a1i"), TOKENIZER, PLAIN)
    short = encode_pair(pair("|- ph", "syl"), TOKENIZER, PLAIN)
    batch = Collate(TOKENIZER.pad_token_id)([example, short])
    assert TOKENIZER.decode(batch["input_ids"][0]) == "[STATE]\n|- ( ph -> ps )\n[TACTIC]\na1i" + END
    for row, answer in enumerate(("a1i", "syl")):
        labels = batch["labels"][row]
        learnt = labels[labels != -100]
        assert TOKENIZER.decode(learnt) == answer + END
        # They stand right behind the prompt, at their own tokens' places, with the padding behind them.
        first = int((labels != -100).nonzero()[0])
        assert torch.equal(batch["input_ids"][row, first : first + len(learnt)], learnt)
        assert TOKENIZER.decode(batch["input_ids"][row, :first]).endswith("\n[TACTIC]\n")
        assert int(batch["attention_mask"][row].sum()) == first + len(learnt)
    assert TOKENIZER.decode(batch["input_ids"][1]).endswith(PAD)
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape


def test_labels_by_hand() -> None:
    batch = Collate(0)([Example([5, 6, 7, 8], 2), Example([9, 1], 1)])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 8], [9, 1, 0, 0]]
    assert batch["labels"].tolist() == [[-100, -100, 7, 8], [-100, 1, -100, -100]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_the_prompt_is_cut_into_tokens_as_a_search_cuts_it() -> None:
    """Else a token could reach over the seam, and a search would begin where no training did."""
    template = PromptTemplate("seamless", "{state}")
    joined = train_tokenizer(["xy"] * 9, 300)
    assert len(joined("xy")["input_ids"]) == 1
    example = encode_pair(pair("x", "y"), joined, template)
    assert example.input_ids[: example.prompt] == joined("x")["input_ids"]
    assert joined.decode(example.input_ids) == "xy" + END


@given(st.text())
def test_any_text_survives_the_tokenizer(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    ids = TOKENIZER(text)["input_ids"]
    if PAD not in text and END not in text:
        assert TOKENIZER.decode(ids) == text


def test_what_is_too_long_or_cut_off_by_the_template_is_left_out_and_counted() -> None:
    made = [pair(), pair("|- ph " * 40), pair(tactic="two\nlines"), pair(tactic=" padded"), pair(tactic="a1i")]
    examples = Examples(made, TOKENIZER, Templates(PLAIN, WHOLE), 40)
    assert (len(examples), examples.too_long, examples.unspeakable) == (2, 1, 2)
    assert max(examples.lengths) <= 40


def test_a_script_is_put_by_its_own_template_and_may_have_several_lines() -> None:
    script = replace(pair(tactic="two\nlines"), script=True)
    examples = Examples([pair(), script], TOKENIZER, Templates(PLAIN, WHOLE), 400)
    assert len(examples) == 2
    shown = [TOKENIZER.decode(examples[place].input_ids) for place in range(2)]
    assert "[TACTIC]" in shown[0]
    assert shown[1].endswith(f"[PROOF]\ntwo\nlines{END}")


def test_metrics_by_hand() -> None:
    """Two answers of two tokens and one; of the first one token is right, of the second all."""
    labels = torch.tensor([[-100, 1, 2, -100], [-100, -100, -100, 0]])
    logits = torch.zeros(2, 4, 3)
    logits[0, 0, 1] = 5.0  # the logits at a place are about the next token
    logits[0, 1, 0] = 5.0
    logits[1, 2, 0] = 5.0
    logits[0, 3, 2] = logits[1, 0, 2] = 99.0  # at no answer's token
    counts = answer_counts((logits, "cache"), labels)
    right = math.log(math.exp(5) + 2) - 5
    wrong = math.log(math.exp(5) + 2)
    assert counts.tolist() == [pytest.approx([right + wrong, 1, 2]), pytest.approx([right, 1, 1])]
    metrics = answer_metrics(EvalPrediction(counts.numpy(), np.zeros(0)))
    assert metrics == {
        "token_loss": pytest.approx((2 * right + wrong) / 3),
        "token_accuracy": pytest.approx(2 / 3),
        "exact": 0.5,
    }


def test_the_loss_on_prompts_counts_every_token_of_them_but_the_first_and_nothing_else() -> None:
    batch = Collate(0)([Example([1, 2, 0, 1], 3), Example([2, 1], 1)])
    logits = torch.zeros(2, 4, 3)
    logits[0, 0, 2] = 5.0  # right
    logits[0, 1, 1] = 5.0  # wrong
    logits[0, 2] = logits[1] = torch.tensor([9.0, -9.0, 4.0])  # at answers, and at padding
    right = math.log(math.exp(5) + 2) - 5
    wrong = math.log(math.exp(5) + 2)
    assert prompt_loss(logits, batch).item() == pytest.approx((right + wrong) / 2)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone_and_groups_lengths() -> None:
    lengths = [1 + (7 * index) % 50 for index in range(400)]

    def order(seed: int, epoch: int) -> list[int]:
        sampler = ByLength(lengths, 8, seed)
        sampler.set_epoch(epoch)
        torch.rand(3)  # whoever else draws from the global generator
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    assert sorted(order(1, 2)) == list(range(400))
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4
    spreads = [np.ptp([lengths[index] for index in order(0, 0)[at : at + 8]]) for at in range(0, 400, 8)]
    assert np.mean(spreads) < 10  # at random it would be about 39
