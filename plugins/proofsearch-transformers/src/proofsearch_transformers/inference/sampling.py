"""How ``generate`` is told which token comes next and when an answer ends, each row for itself.

The randomness of transformers is one global stream, so that what a row draws depends on all rows before it. Here every
row has numbers of its own: the token at step t is the inverse of the cumulative distribution at the t-th of them.
Decoding itself is greedy, on scores that leave one token.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedTokenizerBase, StoppingCriteria

_BELOW_ONE = 1 - 1e-6
"""Keeps a drawn number off the end of the distribution, where rounding could choose a token of probability 0."""


def uniforms(seed: int, sample: int, length: int) -> Tensor:
    """The numbers in [0, 1) that one answer is drawn with, float64, shape ``(length,)``.

    They depend on nothing but the request's seed and the number of the sample; a longer row begins with a shorter one.
    """
    drawn = np.random.default_rng([seed % (1 << 64), sample]).random(length)
    return torch.from_numpy(np.minimum(drawn, _BELOW_ONE))


class Draw(LogitsProcessor):
    """Chooses each row's next token, and keeps what the model itself thought of it.

    It must be the only processor, so that the scores that it is given are the model's own logits.

    Args:
        numbers: shape ``(rows, steps)``, from :func:`uniforms`; ``None`` for the likeliest token at every step.
        temperature: above 0; logits are divided by it before drawing.
        top_p: in (0, 1]; draws from the smallest set of likeliest tokens that have at least this probability.
    """

    def __init__(self, numbers: Tensor | None, temperature: float = 1.0, top_p: float = 1.0) -> None:
        self._numbers = numbers
        self._temperature = temperature
        self._top_p = top_p
        self._steps = 0
        self._logprobs: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores of the same shape ``(rows, vocabulary)``: 0 for the chosen token, −∞ for all others."""
        logprobs = scores.float().log_softmax(dim=-1)
        if self._numbers is None:
            chosen = scores.argmax(dim=-1, keepdim=True)
        else:
            chosen = self._drawn(scores.float(), self._numbers[:, self._steps + len(self._logprobs)])
        self._logprobs.append(logprobs.gather(1, chosen)[:, 0])
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen, 0.0)

    def take(self, steps: int) -> Tensor:
        """Log-probabilities under the model of what was chosen since the last time, before temperature and top-p.

        What stands behind the end of an answer means nothing.

        Args:
            steps: how many tokens a row were kept; any chosen after them are to be chosen again.

        Returns:
            Shape ``(rows, steps)``, float64, on the processor.
        """
        taken = torch.stack(self._logprobs[:steps], dim=1).cpu().double()
        self._logprobs = []
        self._steps += steps
        return taken

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows of the batch alone, by number."""
        if self._numbers is not None:
            self._numbers = self._numbers[list(rows)]

    def _drawn(self, logits: Tensor, numbers: Tensor) -> Tensor:
        probabilities = (logits / self._temperature).softmax(dim=-1)
        if self._top_p < 1:
            ordered, places = probabilities.sort(dim=-1, descending=True, stable=True)
            outside = ordered.cumsum(dim=-1) - ordered >= self._top_p
            probabilities = probabilities.masked_fill(torch.zeros_like(outside).scatter_(1, places, outside), 0.0)
        # In the order of the vocabulary: rounding can swap tokens that are about equally likely, never these.
        wide = torch.float32 if logits.device.type == "mps" else torch.float64
        cumulative = probabilities.to(wide).cumsum(dim=-1)
        target = numbers.to(logits.device, wide)[:, None] * cumulative[:, -1:]
        return torch.searchsorted(cumulative, target, right=True).clamp_(max=logits.shape[1] - 1)


class Ended(StoppingCriteria):
    """Ends a row once its answer, as text, contains a stop string; and all of them once few are left.

    Args:
        tokenizer: the model's.
        stop: the strings; there may be none.
        prompt: tokens of a row before its answer.
        ends: ids that end a sequence, for counting: the row itself is ended by ``generate``.
        few: as soon as no more rows than this have no end, everything stops; 0 to wait for the last.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str], prompt: int, ends: Sequence[int], few: int
    ) -> None:
        self._tokenizer = tokenizer
        self._stop = stop
        self._prompt = prompt
        self._ends = ends
        self._few = few

    def __call__(self, input_ids: Tensor, scores: object, **kwargs: object) -> Tensor:
        """Shape ``(rows,)``, true where the row has ended."""
        answers = input_ids[:, self._prompt :]
        ended = torch.zeros(len(answers), dtype=torch.bool, device=answers.device)
        if self._stop:
            texts = [written(self._tokenizer, row) for row in answers.tolist()]
            ended = torch.tensor([holds(text, self._stop) for text in texts], device=answers.device)
        if self._few:
            over = ended
            if self._ends:
                over = over | torch.isin(answers, torch.tensor(self._ends, device=answers.device)).any(dim=1)
            if int((~over).sum()) <= self._few:
                return torch.ones_like(ended)
        return ended


def written(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of an answer's tokens, without special ones."""
    text = tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    assert isinstance(text, str)
    return text


def holds(text: str, stop: Sequence[str]) -> bool:
    """Whether a stop string is in a text."""
    return any(one in text for one in stop)


def answer_length(
    tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int], ends: Collection[int], stop: Sequence[str]
) -> int | None:
    """How many tokens an answer has, with the one that ends it: an end of sequence, or what completes a stop string.

    Args:
        tokenizer: the model's.
        tokens: all that a row was given, pads behind its end included.
        ends: ids that end a sequence.
        stop: the stop strings.

    Returns:
        The number; ``None`` where the answer has no end.
    """
    end = next((place for place, token in enumerate(tokens) if token in ends), None)
    until = len(tokens) if end is None else end
    if not holds(written(tokenizer, tokens[:until]), stop):
        return None if end is None else end + 1
    least, most = 1, until  # what a shorter beginning holds, a longer one holds as well
    while least < most:
        middle = (least + most) // 2
        if holds(written(tokenizer, tokens[:middle]), stop):
            most = middle
        else:
            least = middle + 1
    return least
