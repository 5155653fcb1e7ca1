"""Tiny models, made on the spot, whose tokenizer has few enough tokens that answers of random models end soon."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

CHARACTERS = "abcdeSTAECI[]()-| \n"
PAD, BEGIN, END = 0, 1, 2
MakeModel = Callable[..., Path]


def make_tokenizer(*, framed: bool) -> PreTrainedTokenizerFast:
    """A token a character, but for ``a\\n`` and ``\\nb``, which reach over the end of an answer."""
    tokens = ["<pad>", "<s>", "</s>", "<unk>", *CHARACTERS, "a\n", "\nb"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "\n"), ("\n", "b")], unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    if framed:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
        )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )


def _new(kind: str, size: int, **changed: Any) -> PreTrainedModel:
    ends = {"pad_token_id": PAD, "eos_token_id": END}
    if kind in ("llama", "mistral"):
        config, model = (LlamaConfig, LlamaForCausalLM) if kind == "llama" else (MistralConfig, MistralForCausalLM)
        return model(
            config(
                **{
                    "vocab_size": size,
                    "hidden_size": 32,
                    "intermediate_size": 48,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "initializer_range": 0.4,
                    "bos_token_id": BEGIN,
                    **ends,
                    **changed,
                }
            )
        )
    if kind == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(vocab_size=size, n_embd=32, n_layer=2, n_head=2, initializer_range=0.3, **ends, **changed)
        )
    if kind == "roberta":
        return RobertaForCausalLM(
            RobertaConfig(
                vocab_size=size,
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=2,
                is_decoder=True,
                initializer_range=0.3,
                bos_token_id=BEGIN,
                **ends,
                **changed,
            )
        )
    if kind == "bart":
        return BartForConditionalGeneration(
            BartConfig(
                vocab_size=size,
                d_model=32,
                encoder_layers=1,
                decoder_layers=1,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=48,
                decoder_ffn_dim=48,
                decoder_start_token_id=END,
                bos_token_id=BEGIN,
                **ends,
                **changed,
            )
        )
    if kind == "t5":
        return T5ForConditionalGeneration(
            T5Config(
                **{
                    "vocab_size": size,
                    "d_model": 32,
                    "d_ff": 48,
                    "d_kv": 16,
                    "num_layers": 2,
                    "num_heads": 2,
                    "decoder_start_token_id": PAD,
                    "initializer_factor": 1.0,
                    **ends,
                    **changed,
                }
            )
        )
    return BertModel(
        BertConfig(
            vocab_size=size,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            initializer_range=0.3,
            **changed,
        )
    )


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of all tiny models, without anything around a text."""
    return make_tokenizer(framed=False)


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Makes a model with random weights and its tokenizer, ``make_model(kind, **settings)``; returns its folder."""

    def make(kind: str, seed: int = 0, **changed: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind) / kind
        tokenizer = make_tokenizer(framed=kind in ("bert", "t5", "bart"))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = _new(kind, len(tokenizer), **changed)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return make


@pytest.fixture
def unshared() -> None:
    """Nobody has a model any more that an earlier test used, or an error's traceback that holds whoever used it."""
    gc.collect()


@pytest.fixture(scope="session")
def tiny(make_model: MakeModel) -> dict[str, Path]:
    """One model of each kind: ``llama``, ``gpt2``, ``roberta`` (a decoder), ``t5`` and ``bert``."""
    # Of this seed, drawing and beam search both find answers that end.
    seeds = {"llama": 0, "gpt2": 0, "roberta": 0, "t5": 4, "bert": 0}
    return {kind: make_model(kind, seed=seed) for kind, seed in seeds.items()}
