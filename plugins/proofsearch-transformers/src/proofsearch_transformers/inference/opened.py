"""A language model that is loaded to write tactics: with its tokenizer, what ends an answer, and room for prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from proofsearch.errors import UsageError
from proofsearch.models.prompts import PromptTemplate, load_template
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import TEMPLATE, ModelFiles
from proofsearch_transformers.inference.loading import load_language_model, load_tokenizer
from proofsearch_transformers.inference.positions import first_position, usable_length
from proofsearch_transformers.inference.prompting import PromptTokenizer


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model with what belongs to it.

    Attributes:
        model: a causal language model or an encoder-decoder.
        tokenizer: the model's.
        prompts: makes tokens of states.
        ends: ids that end a sequence.
        first: the position of a prompt's first token.
    """

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


def open_model(config: GeneratorConfig, files: ModelFiles, template: PromptTemplate) -> Opened:
    """Loads a model for writing.

    Raises:
        InputError: it can't be loaded.
        UsageError: an option or a template that doesn't fit it.
    """
    tokenizer = load_tokenizer(config, files)
    model: Any = load_language_model(config, files)
    ends = end_tokens(*(one.eos_token_id for one in (model.generation_config, model.config, tokenizer)))
    if not ends and not template.stop:
        raise UsageError(
            f"{config.option('model')} {config.model}: has no end of sequence, and the template "
            f"{template.name!r} no stop string, so no answer could end; use a template with one"
        )
    limit = prompt_limit(config, model, tokenizer)
    model.generation_config = plain_settings(model, tokenizer, ends)
    decoder = model.config.is_encoder_decoder
    prompts = PromptTokenizer(tokenizer, template, limit, option=config.option("max_prompt"), ended=decoder)
    return Opened(model, tokenizer, prompts, ends, 0 if decoder else first_position(model))


def prompt_limit(config: GeneratorConfig, model: Any, tokenizer: PreTrainedTokenizerBase) -> int:
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
            f"{config.option('max_new_tokens')} {most}: leaves no place for a prompt in the {room:.0f} positions of "
            f"{config.model}; allow fewer"
        )
    return int(limit)


def choose_template(config: GeneratorConfig, files: ModelFiles) -> PromptTemplate:
    """The template that is asked for, else that beside the model, else ``plain``.

    Raises:
        UsageError: there is none of that name.
        InputError: its file is no template.
    """
    if config.template is not None:
        return load_template(config.template)
    beside = files.folder / TEMPLATE
    return load_template(str(beside) if beside.exists() else "plain")


def end_tokens(*known: int | Sequence[int] | None) -> tuple[int, ...]:
    """Every id that one of these says ends a sequence, ascending."""
    ids = {one for some in known if some is not None for one in ([some] if isinstance(some, int) else some)}
    return tuple(sorted(ids))


def plain_settings(model: Any, tokenizer: PreTrainedTokenizerBase, ends: Sequence[int]) -> GenerationConfig:
    """Settings with the model's special tokens and nothing else.

    What a model brings along, such as a repetition penalty or a forced token, would change the logits that log-probs
    are made of.
    """
    settings: dict[str, Any] = {
        "eos_token_id": list(ends) or None,
        "pad_token_id": tokenizer.pad_token_id,
        "use_cache": True,  # some trainings leave it off in a model's configuration
    }
    if model.config.is_encoder_decoder:
        for name in ("bos_token_id", "decoder_start_token_id"):
            said = (getattr(one, name, None) for one in (model.generation_config, model.config))
            settings[name] = next((value for value in said if value is not None), None)
    return GenerationConfig(**settings)  # type: ignore[no-untyped-call]
