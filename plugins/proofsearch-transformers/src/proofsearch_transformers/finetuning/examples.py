"""From pairs to what the model is trained on: token ids, and labels on the answer alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, Sampler
from transformers import EvalPrediction, PreTrainedTokenizerBase
from transformers.trainer_pt_utils import LengthGroupedSampler

from proofsearch.models.prompts import PromptTemplate
from proofsearch_transformers.finetuning.pairs import Pair

IGNORED = -100
"""The label of a token that the loss does not count; torch's own."""


@dataclass(frozen=True, slots=True)
class Example:
    """A pair in tokens.

    Attributes:
        input_ids: the prompt's tokens, then the answer's, then the end of sequence.
        prompt: how many of them are the prompt's; the rest is learnt.
    """

    input_ids: list[int]
    prompt: int


@dataclass(frozen=True, slots=True)
class Templates:
    """How states are put, by what is to be answered.

    Attributes:
        step: for a tactic.
        script: for all tactics to the end of a proof.
    """

    step: PromptTemplate
    script: PromptTemplate

    def of(self, pair: Pair) -> PromptTemplate:
        """The one for a pair."""
        return self.script if pair.script else self.step


class Examples(Dataset[Example]):
    """Pairs in tokens; those that can't be learnt from are left out and counted.

    Args:
        pairs: what to learn.
        tokenizer: with an end of sequence.
        templates: put the states.
        max_tokens: of a whole example.

    Attributes:
        too_long: pairs left out because they have more tokens.
        unspeakable: pairs left out because the template would cut their tactic off, such as one of several lines.
    """

    def __init__(
        self, pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, templates: Templates, max_tokens: int
    ) -> None:
        self.too_long = self.unspeakable = 0
        self._examples: list[Example] = []
        for pair in pairs:
            template = templates.of(pair)
            if template.answer(pair.tactic) != pair.tactic:
                self.unspeakable += 1
                continue
            example = encode_pair(pair, tokenizer, template)
            if len(example.input_ids) > max_tokens:
                self.too_long += 1
            else:
                self._examples.append(example)

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Example:
        return self._examples[index]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each example."""
        return [len(example.input_ids) for example in self._examples]


def encode_pair(pair: Pair, tokenizer: PreTrainedTokenizerBase, template: PromptTemplate) -> Example:
    """One pair in tokens.

    Prompt and answer are cut into tokens apart, since a search knows the prompt alone: no token reaches over the seam.
    """
    prompt = list(tokenizer(template.render(pair.state, pair.theorem).text)["input_ids"])
    end = tokenizer.eos_token_id
    if prompt and prompt[-1] == end:
        del prompt[-1]  # some tokenizers end every text
    answer = tokenizer(pair.tactic, add_special_tokens=False)["input_ids"]
    return Example([*prompt, *answer, end], len(prompt))


class Collate:
    """Makes a batch of examples: padded on the right, labelled on the answers.

    Args:
        pad: the id that fills up; masked, so which one it is does not matter.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """``input_ids``, ``attention_mask`` and ``labels``, of shape ``(examples, tokens of the longest)``."""
        shape = (len(examples), max(len(example.input_ids) for example in examples))
        ids = torch.full(shape, self._pad)
        mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORED)
        for row, example in enumerate(examples):
            length = len(example.input_ids)
            ids[row, :length] = torch.tensor(example.input_ids)
            mask[row, :length] = 1
            labels[row, example.prompt : length] = ids[row, example.prompt : length]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


class ByLength(Sampler[int]):
    """Batches of about equal length, in an order that depends on seed and epoch alone: a resumed training needs that.

    Args:
        lengths: of the examples.
        batch: examples whose lengths should agree.
        seed: of the order.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths = list(lengths)
        self._batch = batch
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        return iter(LengthGroupedSampler(self._batch, lengths=self._lengths, generator=generator))


def prompt_loss(logits: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """The mean negative log-likelihood of the prompts' tokens, in nats; a scalar.

    Args:
        logits: of shape ``(examples, tokens, vocabulary)``.
        batch: as :class:`Collate` makes it.
    """
    in_prompt = batch["attention_mask"].bool() & (batch["labels"] == IGNORED)
    wanted = batch["input_ids"].masked_fill(~in_prompt, IGNORED)[:, 1:]
    return cross_entropy(logits[:, :-1].float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


def answer_counts(logits: Any, labels: Tensor) -> Tensor:
    """What a validation keeps of a batch's logits, which are too large to be kept.

    Args:
        logits: of shape ``(examples, tokens, vocabulary)``, or a tuple that begins with it.
        labels: of shape ``(examples, tokens)``.

    Returns:
        Shape ``(examples, 3)``, float32: the answer's negative log-likelihood in nats, its tokens that have the highest
        logit, and its tokens.
    """
    logits = (logits[0] if isinstance(logits, tuple) else logits)[:, :-1].float()
    labels = labels[:, 1:]
    learnt = labels != IGNORED
    wanted = labels.masked_fill(~learnt, 0)
    loss = -logits.log_softmax(-1).gather(-1, wanted.unsqueeze(-1)).squeeze(-1)
    right = (logits.argmax(-1) == wanted) & learnt
    return torch.stack([(loss * learnt).sum(-1), right.sum(-1).float(), learnt.sum(-1).float()], -1)


def answer_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Figures of a validation, from what :func:`answer_counts` kept.

    Returns:
        ``token_loss``: nats a token of the answers; ``token_accuracy``; ``exact``: the share of answers of which every
        token has the highest logit, which is what greedy decoding gets right.
    """
    counts: NDArray[np.float32] = np.asarray(prediction.predictions)
    loss, right, tokens = counts.astype(np.float64).T
    return {
        "token_loss": float(loss.sum() / tokens.sum()),
        "token_accuracy": float(right.sum() / tokens.sum()),
        "exact": float((right == tokens).mean()),
    }
