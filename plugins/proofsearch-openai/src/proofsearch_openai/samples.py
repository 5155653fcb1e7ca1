"""What is read of a server's answer: texts that the model wrote, and the log-probabilities of their tokens.

Servers write log-probabilities in one of two ways, and not each the one that goes with the endpoint: as parallel lists
``tokens`` and ``token_logprobs`` (the completions of OpenAI, vLLM and SGLang), or as ``content``, a list with an entry
a token (chat, and also the completions of llama.cpp's server).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, slots=True)
class Sample:
    """One text that a model wrote.

    Attributes:
        text: what it wrote.
        ended: whether it came to an end by itself, so that the text is whole.
        tokens: the tokens with their natural log-probabilities, ``None`` for one that is no finite number; ``None``
            where the server gives no list of them.
        first: log-probabilities of the likeliest tokens that the text could have begun with, falling; empty where the
            server gives none.
    """

    text: str
    ended: bool
    tokens: Sequence[tuple[str, float | None]] | None
    first: Sequence[float] = ()

    def logprob(self, stop: Sequence[str]) -> tuple[float, int] | None:
        """The log-probability of the text up to its end, and over how many tokens that is.

        The token that completes the first stop string is the last that counts, so that it doesn't matter whether a
        server goes on behind it.

        Args:
            stop: the strings that end an answer.

        Returns:
            ``None`` where a token that counts has none: the sum of the others would be that of another text.
        """
        listed = self.listed(stop)
        if listed is None:
            return None
        total = 0.0
        for _, logprob in listed:
            total += logprob
        return min(total, 0.0), len(listed)

    def listed(self, stop: Sequence[str]) -> list[tuple[str, float]] | None:
        """The tokens that :meth:`logprob` is of, each with its own; ``None`` where that is.

        Args:
            stop: the strings that end an answer.
        """
        if not self.tokens:
            return None
        found, written = list[tuple[str, float]](), ""
        for token, logprob in self.tokens:
            if logprob is None:
                return None
            found.append((token, logprob))
            written += token
            if any(end in written for end in stop):
                break
        return found


@dataclass(slots=True)
class Spent:
    """Tokens of a server's answers.

    Attributes:
        tokens_in: of the prompts.
        tokens_out: of what was written.
        known: whether every answer said.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    known: bool = True

    def add(self, answer: object) -> None:
        """Adds what an answer says that it took."""
        usage = answer.get("usage") if isinstance(answer, dict) else None
        read, written = (
            (usage.get("prompt_tokens"), usage.get("completion_tokens")) if isinstance(usage, dict) else (0, -1)
        )
        if type(read) is int and type(written) is int and min(read, written) >= 0:
            self.tokens_in += read
            self.tokens_out += written
        else:
            self.known = False


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    text: str | None = None
    message: _Message | None = None
    finish_reason: str | None = None
    logprobs: Any = None


class _Answer(BaseModel):
    choices: list[_Choice]


def read_samples(answer: object, stop: Sequence[str]) -> list[Sample]:
    """The texts in an answer, to completions or to chat.

    Args:
        answer: as plain data.
        stop: the strings that end an answer.

    Raises:
        ValueError: it is no such answer, or has no texts; the message says what was found.
    """
    try:
        choices = _Answer.model_validate(answer).choices
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the answer"
        raise ValueError(f"{place}: {first['msg']}, found {answer!r}") from None
    if not choices:
        raise ValueError("an answer without choices")
    return [_sample(choice, stop) for choice in choices]


def _sample(choice: _Choice, stop: Sequence[str]) -> Sample:
    text = choice.text if choice.message is None else choice.message.content
    if text is None:
        text = ""
    ended = choice.finish_reason != "length" or any(end in text for end in stop)
    return Sample(text, ended, _tokens(choice.logprobs), _first(choice.logprobs))


def _tokens(logprobs: Any) -> list[tuple[str, float | None]] | None:
    """Tokens with log-probabilities; ``None`` unless there is an entry for each, since a part would be another text."""
    if not isinstance(logprobs, dict):
        return None
    content = logprobs.get("content")
    if isinstance(content, list):
        if not all(isinstance(entry, dict) for entry in content):
            return None
        tokens: Any = [entry.get("token") for entry in content]
        values: Any = [entry.get("logprob") for entry in content]
    else:
        tokens, values = logprobs.get("tokens"), logprobs.get("token_logprobs")
    if not (isinstance(tokens, list) and isinstance(values, list) and len(tokens) == len(values)):
        return None
    return [
        (token if isinstance(token, str) else "", _finite(value)) for token, value in zip(tokens, values, strict=True)
    ]


def _first(logprobs: Any) -> list[float]:
    """What the first token could have been: a table from tokens, or a list with an entry a token."""
    if not isinstance(logprobs, dict):
        return []
    content = logprobs.get("content")
    rows = [_entry(entry, "top_logprobs") for entry in content] if isinstance(content, list) else None
    rows = logprobs.get("top_logprobs") if rows is None else rows
    first = rows[0] if isinstance(rows, list) and rows else None
    values: Any = first.values() if isinstance(first, dict) else first if isinstance(first, list) else ()
    found = (_finite(_entry(value, "logprob") if isinstance(value, dict) else value) for value in values)
    return sorted((min(value, 0.0) for value in found if value is not None), reverse=True)


def _entry(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else None


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None
