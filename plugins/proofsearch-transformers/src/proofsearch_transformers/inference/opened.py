"""A language model that is loaded to write tactics: with its tokenizer, what ends an answer, and room for prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from proofsearch.errors import UsageError
from proofsearch.models.prompts import PromptTemplate, load_template
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import SCRIPT_TEMPLATE, TEMPLATE, ModelFiles
from proofsearch_transformers.inference.loading import load_tokenizer
from proofsearch_transformers.inference.positions import usable_length
from proofsearch_transformers.inference.prompting import PromptTokenizer
from proofsearch_transformers.inference.reading import Reading
from proofsearch_transformers.inference.shared import Use


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model with what belongs to it.

    Attributes:
        use: of the model, which others may use as well.
        model: a causal language model or an encoder-decoder.
        tokenizer: the model's.
        prompts: makes tokens of states.
        ends: ids that end a sequence.
        first: the position of a prompt's first token.
    """

    use: Use
    model: Any
    tokenizer: PreTrainedTokenizerBase
    prompts: PromptTokenizer
    ends: tuple[int, ...]
    first: int

    @property
    def pad(self) -> int:
        """What fills up rows."""
        pad_id = self.tokenizer.pad_token_id
        assert isinstance(pad_id, int)
        return pad_id

    def read(self, prompts: Sequence[Sequence[int]], most: int, *, writing: bool = False) -> list[Reading]:
        """What the model makes of some prompts; see :meth:`~proofsearch_transformers.inference.shared.Use.read`."""
        return self.use.read(self.tokenizer, prompts, most, writing=writing)


def open_model(config: GeneratorConfig, use: Use, template: PromptTemplate, length: str = "max_new_tokens") -> Opened:
    """Loads a model for writing, unless somebody has already.

    Args:
        config: of the generator.
        use: of the model.
        template: puts the states.
        length: the option that says how long an answer may be; the configuration has its value as ``max_new_tokens``.

    Raises:
        InputError: it can't be loaded.
        UsageError: an option or a template that doesn't fit it.
    """
    tokenizer = load_tokenizer(config, use.files)
    model = use.model.language_model(use, tokenizer)
    ends = use.model.ends
    if not ends and not template.stop:
        raise UsageError(
            f"{config.option('model')} {config.model}: has no end of sequence, and the template "
            f"{template.name!r} no stop string, so no answer could end; use a template with one"
        )
    limit = prompt_limit(config, model, tokenizer, length)
    decoder = model.config.is_encoder_decoder
    prompts = PromptTokenizer(tokenizer, template, limit, option=config.option("max_prompt"), ended=decoder)
    return Opened(use, model, tokenizer, prompts, ends, use.model.first)


def prompt_limit(
    config: GeneratorConfig, model: Any, tokenizer: PreTrainedTokenizerBase, length: str = "max_new_tokens"
) -> int:
    """Tokens of a prompt at most, so that it and the answer fit into the model.

    Raises:
        UsageError: the answer alone doesn't fit.
    """
    most = config.max_new_tokens
    if model.config.is_encoder_decoder:
        room = usable_length(model.get_decoder())
        limit = min(config.max_prompt, usable_length(model.get_encoder(), tokenizer))
        fits = most <= room
    else:
        # Both share the positions that the model has.
        room = usable_length(model, tokenizer)
        limit = min(config.max_prompt, room - most)
        fits = limit >= 1
    if not fits:
        raise UsageError(
            f"{config.option(length)} {most}: leaves no place for a prompt in the {room:.0f} positions of "
            f"{config.model}; allow fewer"
        )
    return int(limit)


def choose_template(config: GeneratorConfig, files: ModelFiles) -> PromptTemplate:
    """The template of steps that is asked for, else that beside the model, else ``plain``.

    Raises:
        UsageError: there is none of that name.
        InputError: its file is no template.
    """
    return _chosen(config.template, files.folder / TEMPLATE, "plain")


def choose_script_template(config: GeneratorConfig, files: ModelFiles) -> PromptTemplate:
    """The template of whole proofs that is asked for, else that beside the model, else ``whole-proof``.

    Raises:
        UsageError, InputError: as :func:`choose_template`.
    """
    return _chosen(config.script_template, files.folder / SCRIPT_TEMPLATE, "whole-proof")


def _chosen(name: str | None, beside: Path, otherwise: str) -> PromptTemplate:
    if name is not None:
        return load_template(name)
    return load_template(str(beside) if beside.exists() else otherwise)
