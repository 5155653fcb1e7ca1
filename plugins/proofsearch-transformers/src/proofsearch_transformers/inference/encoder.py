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

from proofsearch.errors import InputError, UsageError
from proofsearch.models.prompts import load_template
from proofsearch.process import streams
from proofsearch.types import ProofState
from proofsearch_transformers.inference.computing import OutOfMemoryError, computing
from proofsearch_transformers.inference.config import EncoderConfig
from proofsearch_transformers.inference.files import ModelFiles
from proofsearch_transformers.inference.loading import load_backbone, load_config, load_tokenizer
from proofsearch_transformers.inference.positions import usable_length
from proofsearch_transformers.inference.prompting import PromptTokenizer, PromptTokens, pad
from proofsearch_transformers.inference.selfcheck import check_batching

_LAYOUT_VERSION = 1
"""Raise it when the same hidden states would be pooled otherwise."""


class TransformersEncoder:
    """Pools the hidden states of a frozen model; deterministic, and up to rounding independent of the batch.

    The model is loaded, and checked to encode a batch as it encodes singles, when states are first encoded:
    :attr:`width` and :meth:`fingerprint` need only its files.

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
        self._model: Any = None
        self._pad = 0
        self._prompts: PromptTokenizer | None = None

    @property
    def width(self) -> int:
        """The size of the model's hidden states."""
        width = getattr(self._shape.get_text_config(), "hidden_size", None)
        if not isinstance(width, int):
            raise InputError(
                f"{self._config.option('model')} {self._config.model}: a {self._shape.model_type} doesn't say how wide "
                f"its hidden states are; choose another model"
            )
        return width

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
        """Frees the model. Idempotent."""
        if self._prompts is not None:
            self._prompts.close()
        self._model = self._prompts = None

    @cached_property
    def _fingerprint(self) -> str:
        config = self._config
        dtype = config.dtype
        if dtype == "auto":
            dtype = self._files.config.get("dtype") or self._files.config.get("torch_dtype") or "auto"
        parts = {
            "version": _LAYOUT_VERSION,
            "files": self._files.fingerprint(self._cache, code=config.trust_remote_code),
            "dtype": dtype,
            "quantisation": config.quantisation,
            "pooling": config.pooling,
            "layer": config.layer,
            "template": self._template.fingerprint(),
            "max_length": config.max_length,
        }
        return "transformers-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    @cached_property
    def _shape(self) -> Any:
        return load_config(self._config, self._files)

    def _open(self) -> PromptTokenizer:
        if self._prompts is not None:
            return self._prompts
        config, layers = self._config, getattr(self._shape.get_text_config(), "num_hidden_layers", None)
        if config.layer is not None and layers is not None and not -layers - 1 <= config.layer <= layers:
            raise UsageError(
                f"{config.option('layer')} {config.layer}: {config.model} has {layers} layers, so there are hidden "
                f"states 0 to {layers}, or -1 to {-layers - 1} counted from the last"
            )
        tokenizer = load_tokenizer(config, self._files)
        assert isinstance(tokenizer.pad_token_id, int)
        self._pad = tokenizer.pad_token_id
        model = load_backbone(config, self._files)
        limit = int(min(config.max_length, usable_length(model, tokenizer)))
        prompts, unsaid = (
            PromptTokenizer(tokenizer, self._template, limit, option=config.option("max_length"), spans=True, say=say)
            for say in (streams.warning, lambda _: None)
        )
        self._model = model
        self._model.config.use_cache = False
        check_batching(f"{config.option('model')} {config.model}", unsaid, self._pool, self._model.dtype)
        self._prompts = prompts
        return prompts

    def _pool(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        """One forward pass: shape ``(len(tokens), width)``; several where the device's memory is too small for it."""
        longest = max(len(one.ids) for one in tokens)
        try:
            with computing(self._config, len(tokens), longest, self._config.option("max_length")):
                return self._computed(tokens)
        except OutOfMemoryError:
            half = len(tokens) // 2
            if not half:
                raise
        return np.concatenate([self._pool(tokens[:half]), self._pool(tokens[half:])])

    def _computed(self, tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        ids, mask = (tensor.to(self._model.device) for tensor in pad([one.ids for one in tokens], self._pad))
        with torch.inference_mode():
            output = self._model(
                input_ids=ids,
                attention_mask=mask,
                output_hidden_states=self._config.layer is not None,
                return_dict=True,
            )
            hidden = (
                output.last_hidden_state if self._config.layer is None else output.hidden_states[self._config.layer]
            )
            # Own tokens alone; float32, as a sum of many halves would lose what makes states differ.
            weights = torch.zeros(hidden.shape[:2])
            for row, one in enumerate(tokens):
                own = one.own if self._config.pooling == "mean" else one.own[-1:]
                weights[row, own] = 1 / len(own)
            pooled = torch.einsum("rt,rtw->rw", weights.to(hidden.device), hidden.float())
        if pooled.shape[1] != self.width:
            raise InputError(
                f"{self._config.option('model')} {self._config.model}: gives {pooled.shape[1]} columns, its "
                f"configuration says {self.width}; choose another layer or model"
            )
        rows: NDArray[np.float32] = pooled.cpu().numpy()
        return rows

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
