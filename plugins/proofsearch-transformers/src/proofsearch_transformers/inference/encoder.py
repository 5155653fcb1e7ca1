"""The encoder ``transformers``: hidden states of any model, pooled over the tokens of the state itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from proofsearch.errors import InputError, UsageError
from proofsearch.models.prompts import load_template
from proofsearch.process import streams
from proofsearch.types import ProofState
from proofsearch_transformers.inference.computing import computing, in_parts
from proofsearch_transformers.inference.config import EncoderConfig
from proofsearch_transformers.inference.files import ModelFiles
from proofsearch_transformers.inference.loading import check_layer, hidden_width, load_tokenizer
from proofsearch_transformers.inference.positions import usable_length
from proofsearch_transformers.inference.prompting import PromptTokenizer, PromptTokens, pad
from proofsearch_transformers.inference.selfcheck import check_batching
from proofsearch_transformers.inference.shared import Use, use_model

_LAYOUT_VERSION = 1
"""Raise it when the same hidden states would be pooled otherwise."""


class TransformersEncoder:
    """Pools the hidden states of a frozen model; deterministic, and up to rounding independent of the batch.

    The model is loaded, and checked to encode a batch as it encodes singles, when states are first encoded, unless a
    generator uses it already: :attr:`width` and :meth:`fingerprint` need only its files. Where a generator of the same
    model has the same template, a prompt is read once for both.

    Args:
        config: of the encoder.
        files: of the model.
        cache: a folder for the hashes of files.

    Raises:
        UsageError: the template speaks of a theorem, or there is no such template.
    """

    def __init__(self, config: EncoderConfig, files: ModelFiles, cache: Path) -> None:
        self._config = config
        self._files = files
        self._cache = cache
        self._template = load_template(config.template or "bare")
        if self._template.needs_theorem:
            raise UsageError(
                f"{config.option('template')} {config.template}: speaks of the theorem, which an encoder doesn't know; "
                f"use a template with {{state}} alone"
            )
        self._use: Use | None = self._used()
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._prompts: PromptTokenizer | None = None
        self._unsaid: PromptTokenizer | None = None
        self._checked: set[bool] = set()

    @property
    def width(self) -> int:
        """The size of the model's hidden states."""
        return self._width

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite, no row all zeros.

        Raises:
            InputError: the model can't be loaded, fails its check, or gives a row that is not finite or all zeros.
            UsageError: an option that doesn't fit the model.
        """
        rows = np.empty((len(states), self.width), np.float32)
        if not states:
            return rows
        tokens = self._open()(states)
        # Of about equal length, so that little is padded; the longest first, so that too little memory shows at once.
        order = sorted(range(len(states)), key=lambda place: -len(tokens[place].ids))
        for start in range(0, len(order), self._config.batch):
            chunk = order[start : start + self._config.batch]
            rows[chunk] = self._pool([tokens[place] for place in chunk])
        self._check(rows, states)
        return rows

    def fingerprint(self) -> str:
        """Of the files' contents, and of whatever else decides a row; not of the device, nor of where the files are."""
        return self._fingerprint

    def close(self) -> None:
        """Frees the model, unless others use it. Idempotent."""
        if self._prompts is not None:
            self._prompts.close()
        self._tokenizer = self._prompts = self._use = None
        self._checked.clear()

    @cached_property
    def _fingerprint(self) -> str:
        config = self._config
        parts = {
            "version": _LAYOUT_VERSION,
            "files": self._files.fingerprint(self._cache, code=config.trust_remote_code),
            "dtype": self._files.dtype(config),
            "quantisation": config.quantisation,
            "pooling": config.pooling,
            "layer": config.layer,
            "template": self._template.fingerprint(),
            "max_length": config.max_length,
        }
        return "transformers-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    @cached_property
    def _width(self) -> int:
        return hidden_width(self._config, self._files)

    def _open(self) -> PromptTokenizer:
        """The tokenizer of prompts; the model is loaded then, and checked in the way in which it is asked now."""
        config = self._config
        self._use = use = self._use or self._used()
        if self._prompts is None:
            check_layer(config, self._files)
            self._tokenizer = load_tokenizer(config, self._files)
            backbone = use.model.backbone(use, self._tokenizer)
            limit = int(min(config.max_length, usable_length(backbone, self._tokenizer)))
            self._prompts, self._unsaid = (
                PromptTokenizer(
                    self._tokenizer, self._template, limit, option=config.option("max_length"), spans=True, say=say
                )
                for say in (streams.warning, lambda _: None)
            )
        if (shares := use.shares_prompts) not in self._checked:
            what, dtype = f"{config.option('model')} {config.model}", self._backbone().dtype
            assert self._unsaid is not None
            check_batching(what, self._unsaid, self._pool_afresh, dtype)
            self._checked.add(shares)
        return self._prompts

    def _used(self) -> Use:
        return use_model(self._config, self._files, self._template.text, layer=self._config.layer)

    def _backbone(self) -> Any:
        assert self._use is not None and self._tokenizer is not None
        return self._use.model.backbone(self._use, self._tokenizer)

    def _pool(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        """One forward pass: shape ``(len(tokens), width)``; several where the device's memory is too small for it."""
        return np.stack(in_parts(self._once, tokens))

    def _pool_afresh(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        """The same, of prompts that are read now and not of those that were before."""
        assert self._use is not None
        with self._use.model.turn:
            self._use.forget()
            return self._pool(tokens)

    def _once(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        config, longest = self._config, max(len(one.ids) for one in tokens)
        assert self._use is not None
        with self._use.model.turn, computing(config, len(tokens), longest, config.option("max_length")):
            return self._computed(tokens)

    def _computed(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        config = self._config
        assert self._use is not None
        pooled = (self._read if self._use.shares_prompts else self._passed)(tokens)
        if pooled.shape[1] != self.width:
            raise InputError(
                f"{config.option('model')} {config.model}: gives {pooled.shape[1]} columns, its "
                f"configuration says {self.width}; choose another layer or model"
            )
        rows: NDArray[np.float32] = pooled.cpu().numpy()
        return rows

    def _passed(self, tokens: Sequence[PromptTokens]) -> Tensor:
        """Rows from a forward pass of the model's backbone."""
        model, layer = self._backbone(), self._config.layer
        ids, mask = (tensor.to(model.device) for tensor in pad([one.ids for one in tokens], self._pad))
        with torch.inference_mode():
            output = model(input_ids=ids, attention_mask=mask, output_hidden_states=layer is not None, return_dict=True)
            hidden = output.last_hidden_state if layer is None else output.hidden_states[layer]
            # Own tokens alone; float32, as a sum of many halves would lose what makes states differ.
            weights = torch.zeros(hidden.shape[:2])
            for row, one in enumerate(tokens):
                own = self._pooled_over(one)
                weights[row, own] = 1 / len(own)
            return torch.einsum("rt,rtw->rw", weights.to(hidden.device), hidden.float())

    def _read(self, tokens: Sequence[PromptTokens]) -> Tensor:
        """Rows of prompts that the generator reads as well: by whoever comes first, for both."""
        assert self._use is not None and self._tokenizer is not None
        readings = self._use.read(self._tokenizer, [one.ids for one in tokens], self._config.batch)
        hidden = [reading.hidden[self._config.layer] for reading in readings]
        pooled = [
            states[self._pooled_over(one)].float().mean(dim=0) for states, one in zip(hidden, tokens, strict=True)
        ]
        return torch.stack(pooled)

    def _pooled_over(self, tokens: PromptTokens) -> list[int]:
        return tokens.own if self._config.pooling == "mean" else tokens.own[-1:]

    @property
    def _pad(self) -> int:
        assert self._tokenizer is not None and isinstance(self._tokenizer.pad_token_id, int)
        return self._tokenizer.pad_token_id

    def _check(self, rows: NDArray[np.float32], states: Sequence[ProofState]) -> None:
        finite = np.isfinite(rows).all(axis=1)
        bad = np.flatnonzero(~finite | ~rows.any(axis=1))
        if len(bad):
            found = "all zeros" if np.isfinite(rows[bad[0]]).all() else "not finite"
            raise InputError(
                f"{self._config.option('model')} {self._config.model}: {len(bad)} of {len(rows)} rows are no vectors; "
                f"the first, for {states[bad[0]].text[:200]!r}, is {found}. Half precision may overflow: try "
                f"{self._config.option('dtype')} float32, or another layer"
            )
