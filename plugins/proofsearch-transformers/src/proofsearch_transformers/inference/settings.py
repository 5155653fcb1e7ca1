"""How a language model is asked to write: with its special tokens and nothing else that it brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase


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
