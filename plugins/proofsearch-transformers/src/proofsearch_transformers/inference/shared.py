"""A model that is in memory once, for all generators and encoders of a process that ask for the same.

Who uses a model says so when it is built, before anything is loaded. Where one of them writes, the whole language model
is loaded, and the hidden states are those of its own backbone; otherwise the backbone alone. The weights are freed when
their last user is closed. Users are other components, called by other threads, so a model is asked by one at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import torch
from transformers import PreTrainedTokenizerBase

from proofsearch_transformers.inference.config import ModelConfig
from proofsearch_transformers.inference.files import ADAPTER_WEIGHTS, CONFIG, ModelFiles
from proofsearch_transformers.inference.loading import (
    backbone_of,
    choose_device,
    load_backbone,
    load_language_model,
)
from proofsearch_transformers.inference.positions import first_position
from proofsearch_transformers.inference.reading import KeptReadings, Reading, groups, read
from proofsearch_transformers.inference.settings import end_tokens, plain_settings

_MEGABYTE = 1e6


class SharedModel:
    """One model of the process; :func:`use_model` gives it to whoever asks.

    Attributes:
        turn: whoever computes with the model, or loads it, holds this.
        readings: prompts that were read.
        ends: ids that end a sequence; known once the language model is loaded.
        first: the position of a prompt's first token; likewise.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.readings = KeptReadings()
        self.ends: tuple[int, ...] = ()
        self.first = 0
        self._uses: WeakSet[Use] = WeakSet()
        self._language_model: Any = None
        self._backbone: Any = None

    @property
    def uses(self) -> list[Use]:
        """What it is used for, by those who are not closed."""
        with _lock:  # a set that others add to can't be gone through
            return list(self._uses)

    def add(self, use: Use) -> None:
        """Notes a use, for as long as somebody holds it."""
        self._uses.add(use)

    def language_model(self, use: Use, tokenizer: PreTrainedTokenizerBase) -> Any:
        """The whole model, loaded where it isn't yet. A backbone that was loaded for others is given up for it."""
        with self.turn:
            if self._language_model is None:
                self._backbone = None  # freed first: both may not fit into memory
                model = load_language_model(use.config, use.files)
                self.ends = end_tokens(
                    *(one.eos_token_id for one in (model.generation_config, model.config, tokenizer))
                )
                self.first = 0 if model.config.is_encoder_decoder else first_position(model)
                model.generation_config = plain_settings(model, tokenizer, self.ends)
                model.config.use_cache = False  # where generate doesn't ask for it
                self._backbone = backbone_of(model)
                self._language_model = model
            return self._language_model

    def backbone(self, use: Use, tokenizer: PreTrainedTokenizerBase) -> Any:
        """What gives hidden states: part of the language model where somebody writes."""
        with self.turn:
            if self._backbone is None and any(one.writes for one in self.uses):
                self.language_model(use, tokenizer)
            if self._backbone is None:
                self._backbone = load_backbone(use.config, use.files)
                self._backbone.config.use_cache = False
            return self._backbone


@dataclass(eq=False, slots=True, weakref_slot=True)
class Use:
    """What somebody uses a model for; the model is theirs as long as they hold this.

    Attributes:
        model: the model.
        config: says how it is loaded.
        files: of the model.
        template: the text of all prompts but for the states.
        layer: whose hidden states are wanted; ``None`` for the output of the last.
        writes: whether answers are written.
        megabytes: of readings that may be kept.
    """

    model: SharedModel
    config: ModelConfig
    files: ModelFiles
    template: str
    layer: int | None = None
    writes: bool = False
    megabytes: float = 0.0

    @property
    def shares_prompts(self) -> bool:
        """Whether others may ask for the same prompts: one of both writes, the other needs hidden states."""
        return any(
            other is not self and other.template == self.template and other.writes != self.writes
            for other in self.model.uses
        )

    def read(
        self, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]], most: int, *, writing: bool = False
    ) -> list[Reading]:
        """What the language model makes of some prompts, in order; those that it has read before are not read again.

        Args:
            tokenizer: the model's.
            prompts: their tokens, none empty.
            most: prompts of one forward pass at most.
            writing: whether answers are written now: keys and values are needed at once, and not kept for later.

        Raises:
            torch.OutOfMemoryError: the device's memory is too small for so many; nothing is kept any more then.
        """
        model = self.model
        with model.turn:
            layers = {None, *(use.layer for use in model.uses if use.template == self.template)}
            # An encoder-decoder writes on from its encoder's hidden states.
            goes_on = writing and not model.language_model(self, tokenizer).config.is_encoder_decoder
            found: dict[tuple[int, ...], Reading] = {}
            for prompt in dict.fromkeys(map(tuple, prompts)):
                kept = model.readings.get(prompt)
                if kept is not None and layers <= kept.hidden.keys() and (kept.cache is not None or not goes_on):
                    found[prompt] = kept
            missing = [prompt for prompt in dict.fromkeys(map(tuple, prompts)) if prompt not in found]
            for places in groups([len(prompt) for prompt in missing], most) if missing else ():
                some = [missing[place] for place in places]
                read_now = self._read(tokenizer, some, layers)
                found.update(zip(some, read_now, strict=True))
                if not writing or self.shares_prompts:
                    self._keep(some, [replace(one, cache=None) for one in read_now] if writing else read_now)
            return [found[tuple(prompt)] for prompt in prompts]

    def spend(self, prompts: Sequence[Sequence[int]]) -> None:
        """Forgets the keys and values of prompts whose answers were written."""
        with self.model.turn:
            for prompt in prompts:
                self.model.readings.spend(prompt)

    def forget(self) -> None:
        """Forgets all that was read, for want of memory."""
        with self.model.turn:
            self.model.readings.clear()

    def _read(
        self, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]], layers: set[int | None]
    ) -> list[Reading]:
        whole, pad_id = self.model.language_model(self, tokenizer), tokenizer.pad_token_id
        assert isinstance(pad_id, int)
        try:
            return read(whole, self.model.backbone(self, tokenizer), prompts, pad_id, self.model.first, layers)
        except torch.OutOfMemoryError:
            self.forget()
            raise

    def _keep(self, prompts: Sequence[Sequence[int]], readings: Sequence[Reading]) -> None:
        most = max(use.megabytes for use in self.model.uses) * _MEGABYTE
        for prompt, reading in zip(prompts, readings, strict=True):
            self.model.readings.put(prompt, reading, most)


_models: WeakValueDictionary[Hashable, SharedModel] = WeakValueDictionary()
_lock = threading.Lock()


def use_model(
    config: ModelConfig,
    files: ModelFiles,
    template: str,
    *,
    layer: int | None = None,
    writes: bool = False,
    megabytes: float = 0.0,
) -> Use:
    """A model for somebody new: the one that others use, if it is the same. Nothing is loaded yet.

    The same is what has the same files, as they are now, is loaded in the same way, and is on the same device.

    Raises:
        UsageError: there is no such device.
    """
    key = (
        files.folder.resolve(),
        files.weights,
        *(_identity(files.folder / name) for name in (CONFIG, *files.weights)),
        files.adapter and (files.adapter.resolve(), _identity(files.adapter / ADAPTER_WEIGHTS)),
        files.dtype(config),
        config.device if config.device == "spread" else str(choose_device(config.device)),
        config.quantisation,
        config.trust_remote_code,
    )
    with _lock:
        model = _models.get(key)
        if model is None:
            model = _models[key] = SharedModel()
        use = Use(model, config, files, template, layer=layer, writes=writes, megabytes=megabytes)
        model.add(use)
    return use


def _identity(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_size, status.st_mtime_ns
