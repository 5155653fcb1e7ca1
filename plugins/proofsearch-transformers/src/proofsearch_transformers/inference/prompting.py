"""From states to tokens, with the state's own among them; a state that is too long loses its end, never the template.

Goals stand first in a state's text and the next tactic acts on the first of them, so it is the end that can be missed.
The template stays whole: what a model was trained to see behind a state tells it to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from proofsearch.errors import InputError, UsageError
from proofsearch.models.prompts import STATE, Prompt, PromptTemplate
from proofsearch.process import streams
from proofsearch.types import ProofState, State, Theorem


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """A prompt in tokens.

    Attributes:
        ids: with the special tokens that the tokenizer adds.
        own: where in ``ids`` the state's own tokens are, ascending; those that reach over a seam with the template
            count if a character of the state is in them. Empty where they weren't asked for.
    """

    ids: list[int]
    own: list[int]


class PromptTokenizer:
    """Renders states and cuts them into tokens; each alone, so that no result depends on the others.

    Args:
        tokenizer: the model's.
        template: puts the states.
        limit: tokens of a prompt at most.
        option: the option that sets the limit, for messages.
        spans: whether to find the states' own tokens.
        ended: whether a prompt keeps the end of sequence that some tokenizers put behind every text; a model that is
            to write on must not see it.
        say: told once when a state is cut, and at :meth:`close` how many were.

    Attributes:
        prompts: rendered so far.
        cut: of those, whose state was too long.

    Raises:
        UsageError: own tokens are to be found, the template says more than the state, and the tokenizer can't tell.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        template: PromptTemplate,
        limit: int,
        *,
        option: str,
        spans: bool = False,
        ended: bool = True,
        say: Callable[[str], None] = streams.warning,
    ) -> None:
        if spans and not tokenizer.is_fast and template.text != STATE:
            raise UsageError(
                f"template {template.name!r}: the tokenizer ({type(tokenizer).__name__}) can't tell a state's tokens "
                f"from the template's; use a template that is {STATE} alone, such as bare"
            )
        self._tokenizer: Any = tokenizer
        self._template = template
        self._limit = limit
        self._option = option
        self._spans = spans
        self._ended = ended
        self._say = say
        self.prompts = self.cut = 0

    def __call__(self, states: Sequence[ProofState], theorems: Sequence[Theorem] | None = None) -> list[PromptTokens]:
        """One prompt a state, in order; without any tokens where the theorem leaves no room for the state.

        Raises:
            InputError: a state without text, whose tokens are to be found.
            UsageError: the template alone is longer than the limit, or speaks of a theorem and there is none.
        """
        about: Sequence[Theorem | None] = [None] * len(states) if theorems is None else theorems
        rendered = [self._template.render(state, theorem) for state, theorem in zip(states, about, strict=True)]
        found = self._tokens(rendered)
        for place, tokens in enumerate(found):
            if len(tokens.ids) > self._limit:
                found[place] = self._shortened(states[place], about[place], len(tokens.ids))
        self.prompts += len(found)
        if self._spans and not all(tokens.own for tokens in found):
            raise InputError("a state without text has no tokens to make a vector of; the environment must give it one")
        return found

    def close(self) -> None:
        """Says how many states were cut, if more were than the one that was said at once."""
        if self.cut > 1:
            self._say(f"{self.cut} of {self.prompts} states were cut to fit into {self._limit} tokens")
        self.prompts = self.cut = 0

    def _tokens(self, prompts: Sequence[Prompt]) -> list[PromptTokens]:
        if not prompts:
            return []
        offsets = self._spans and self._tokenizer.is_fast
        batch = self._tokenizer(
            [prompt.text for prompt in prompts], return_offsets_mapping=offsets, truncation=False, verbose=False
        )
        rows = []
        for place, prompt in enumerate(prompts):
            ids = list(batch["input_ids"][place])
            own: list[int] = []
            if offsets:
                own = [
                    index
                    for index, (begin, end) in enumerate(batch["offset_mapping"][place])
                    if max(begin, prompt.begin) < min(end, prompt.end)  # special tokens stand nowhere: (0, 0)
                ]
            elif self._spans:
                special = self._tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
                own = [index for index, is_special in enumerate(special) if not is_special]
            if not self._ended and ids and ids[-1] == self._tokenizer.eos_token_id:
                del ids[-1]
            rows.append(PromptTokens(ids, own))
        return rows

    def _shortened(self, state: ProofState, theorem: Theorem | None, length: int) -> PromptTokens:
        keep, whole = len(state.text), length
        while keep:
            # Tokens are about equally long, so a few rounds find a beginning that fits.
            keep = min(keep - 1, keep - (length - self._limit) * keep // length)
            if keep <= 0:
                break
            (tokens,) = self._tokens([self._template.render(State(state.text[:keep], ()), theorem)])
            length = len(tokens.ids)
            if length <= self._limit:
                self._count(whole)
                return tokens
        if theorem is not None and self._template.needs_theorem:
            return PromptTokens([], [])  # a shorter theorem may leave room
        raise UsageError(
            f"{self._option} {self._limit}: the template {self._template.name!r} alone takes as many tokens; allow more"
        )

    def _count(self, length: int) -> None:
        self.cut += 1
        if self.cut == 1:
            self._say(
                f"a state makes a prompt of {length} tokens; its end was cut off to fit into {self._limit} "
                f"({self._option}), and so will that of others"
            )


def pad(rows: Sequence[Sequence[int]], pad_id: int, *, left: bool = False) -> tuple[Tensor, Tensor]:
    """Token ids and attention mask, both of shape ``(rows, tokens of the longest)``, on the processor."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad_id)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        where = slice(width - len(row), width) if left else slice(0, len(row))
        ids[place, where] = torch.tensor(row)
        mask[place, where] = 1
    return ids, mask
