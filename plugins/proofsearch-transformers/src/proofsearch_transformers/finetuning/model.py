"""The model that the trainer ``lm`` trains: a small one from scratch, or one that is there, whole or with adapters."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from proofsearch.errors import InputError, UsageError
from proofsearch_transformers.finetuning.config import LmTrainerConfig
from proofsearch_transformers.inference.files import first_line, network_settings

MODEL = "causal language model"
"""What a base has to be."""


def new_model(config: LmTrainerConfig, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A Llama (arXiv 2302.13971) of the configured size, with random weights drawn from torch's global generator."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            # Three matrices instead of two, so two thirds of the usual 4 widths; a multiple of 8 for the kernels.
            intermediate_size=8 * max(1, round(config.width * 8 / 3 / 8)),
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            # Room for an answer to the longest prompt that was learnt; rotary positions cost nothing.
            max_position_embeddings=2 * config.max_tokens,
            attention_dropout=config.dropout,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def base_tokenizer(config: LmTrainerConfig) -> PreTrainedTokenizerBase:
    """The tokenizer of the model that is fine-tuned; a pad token is given it where it has none.

    Raises:
        InputError: there is none, or it has no end of sequence.
    """
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            config.base, revision=config.revision or "main", trust_remote_code=False
        )
    except (OSError, ValueError, ImportError) as error:
        raise InputError(_unloadable(config, "tokenizer", error)) from None
    if tokenizer.eos_token_id is None:
        raise InputError(f"--lm-base {config.base}: its tokenizer has no end of sequence, so no answer could end")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked, and an end of sequence is learnt by its place
    tokenizer.padding_side = "left"
    return tokenizer


def refuse_base(config: LmTrainerConfig) -> None:
    """Refuses a model that can't be fine-tuned, as far as can be told without its weights.

    Raises:
        InputError: there is none, it is no causal language model, or its folder holds no safetensors.
    """
    base = config.base or ""
    try:
        shape = AutoConfig.from_pretrained(base, revision=config.revision or "main", trust_remote_code=False)
        if getattr(shape, "transformers_weights", None) is not None:
            raise ValueError("its config.json names files of weights by transformers_weights, which may be pickles")
        if shape.is_encoder_decoder:
            raise ValueError(f"{shape.model_type} is an encoder-decoder")
        if Path(base).is_dir() and not any(Path(base).glob("*.safetensors")):
            raise ValueError("the folder holds no file *.safetensors")
    except (OSError, ValueError, ImportError) as error:
        raise InputError(_unloadable(config, MODEL, error)) from None


def base_model(config: LmTrainerConfig) -> PreTrainedModel:
    """The model that is fine-tuned, from safetensors and without any code of its own, in float32.

    Raises:
        InputError: there is none, or it is no causal language model.
        UsageError: adapters are asked for and peft is not installed.
    """
    refuse_base(config)
    try:
        model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            config.base or "",
            revision=config.revision or "main",
            trust_remote_code=False,
            use_safetensors=True,
            # With LoRA the weights are frozen and may stay as they are; else an optimiser needs the precision.
            dtype="auto" if config.lora_rank is not None else "float32",
        )
    except (OSError, ValueError, ImportError) as error:
        raise InputError(_unloadable(config, MODEL, error)) from None
    return model if config.lora_rank is None else _with_adapters(model, config.lora_rank)


def without_adapters(model: Any) -> PreTrainedModel:
    """The model with its adapters merged into its weights; as it is where it has none."""
    merge = getattr(model, "merge_and_unload", None)
    merged: PreTrainedModel = model if merge is None else merge()
    return merged


def _with_adapters(model: PreTrainedModel, rank: int) -> PreTrainedModel:
    """Adapters on every linear layer but the output's, with scale 2 (arXiv 2106.09685)."""
    try:
        peft: Any = importlib.import_module("peft")  # by name: whoever has no use for it need not have it
    except ImportError:
        raise UsageError(
            "--lm-lora-rank: needs the package peft, which is not installed; install it with: "
            "pip install 'proofsearch-transformers[lora]', or leave the option out to train all weights"
        ) from None
    adapters = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted: PreTrainedModel = peft.get_peft_model(model, adapters)
    return adapted


def _unloadable(config: LmTrainerConfig, what: str, error: Exception) -> str:
    return (
        f"--lm-base {config.base}: can't be loaded as a {what} with safetensors and without code of its own: "
        f"{first_line(error)}; name a folder that holds one, or a model that the hub has{network_settings()}"
    )
