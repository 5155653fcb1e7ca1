"""The rows that ``generate`` works on: each prompt is read once, and rows whose answer has ended leave the batch.

``generate`` would read a prompt again for every answer to it, which takes most of the time where states are long and
tactics are short; and it would compute all rows until the longest answer ends. So what the model keeps of a prompt
(keys and values, or an encoder's output) is computed for one row and handed to all of its answers, and is also what a
smaller batch goes on with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad as pad_tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache
from transformers.modeling_outputs import BaseModelOutput

from proofsearch_transformers.inference.positions import position_ids
from proofsearch_transformers.inference.prompting import pad
from proofsearch_transformers.inference.reading import CACHE, Reading, cache_of


def begin_rows(
    model: Any,
    prompts: Sequence[Sequence[int]],
    readings: Mapping[tuple[int, ...], Reading] | None,
    pad_id: int,
    beams: int = 1,
    *,
    first: int = 0,
) -> dict[str, Any]:
    """What to give to ``generate`` for these prompts, one row an answer.

    Args:
        model: a causal language model or an encoder-decoder.
        prompts: their tokens.
        readings: what the model made of each; ``None`` where its layers don't keep all of a prompt, so that keys and
            values fit into one batch alone.
        pad_id: fills up the rows.
        beams: rows that ``generate`` will make of each prompt itself.
        first: the position of a prompt's first token; ``generate`` counts from 0 unless it is told otherwise.
    """
    places = {prompt: place for place, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
    decoder = model.config.is_encoder_decoder
    ids, mask = (tensor.to(model.device) for tensor in pad(list(places), pad_id, left=not decoder))
    rows = torch.tensor([places[tuple(prompt)] for prompt in prompts])  # not on a device: layers may be on several
    if decoder:
        assert readings is not None
        states = pad_sequence([readings[prompt].hidden[None] for prompt in places], batch_first=True)
        return {"encoder_outputs": BaseModelOutput(last_hidden_state=states[rows]), "attention_mask": mask[rows]}
    inputs: dict[str, Any] = {"input_ids": ids[rows], "attention_mask": mask[rows]}
    if first:
        inputs["position_ids"] = position_ids(mask, first)[rows]
    if ids.shape[1] > 1:
        each = rows.repeat_interleave(beams)
        if readings is None:
            inputs |= _read(model, ids[:, :-1], mask[:, :-1], each, first)
        else:
            inputs |= _joined(model, [readings[prompt] for prompt in places], each, ids.shape[1] - 1)
    return inputs


def go_on(output: Any, inputs: dict[str, Any], rows: Sequence[int], *, first: int = 0) -> dict[str, Any]:
    """What to give to ``generate`` so that some rows of what it gave are written on.

    Args:
        output: what it gave.
        inputs: what it was given, with a cache as from :func:`begin_rows`.
        rows: the numbers of the rows.
        first: as there.
    """
    chosen = torch.tensor(rows)  # on the processor, as layers may be on several devices
    ids, mask = output.sequences[chosen], inputs["attention_mask"][chosen]
    written = mask.new_ones((len(rows), ids.shape[1] - mask.shape[1]))
    cache = cache_of(output, ids.shape[1] - 1)
    if cache is not None:  # else the prompts are read again, with what was written
        cache.batch_select_indices(chosen)
    kept: dict[str, Any] = {} if cache is None else {CACHE: cache}
    mask = torch.cat([mask, written], dim=1)
    if first:
        kept["position_ids"] = position_ids(mask, first)
    return {"input_ids": ids, "attention_mask": mask, **kept}


def can_go_on(inputs: dict[str, Any]) -> bool:
    """Whether rows can be taken out of this batch."""
    return CACHE in inputs


def _joined(model: Any, readings: Sequence[Reading], rows: Tensor, width: int) -> dict[str, Any]:
    """Keys and values of prompts that were read, for these rows; empty where the model keeps something else.

    Args:
        model: the model.
        readings: of different prompts.
        rows: numbers of readings.
        width: tokens of the longest prompt but the last.
    """
    caches = [reading.cache for reading in readings if reading.cache is not None]
    if len(caches) < len(readings):
        return {}
    joined = DynamicCache(config=model.config)
    for layer, pairs in enumerate(zip(*caches, strict=True)):
        keys, values = (_columns([pair[part] for pair in pairs], width)[rows] for part in (0, 1))
        joined.update(keys, values, layer)
    return {CACHE: joined}


def _columns(tensors: Sequence[Tensor], width: int) -> Tensor:
    """One batch of tensors ``(tokens, heads, size)``, of shape ``(rows, heads, width, size)``, pads in front."""
    batch = pad_sequence(list(tensors), batch_first=True, padding_side="left").transpose(1, 2)
    return pad_tensor(batch, (0, 0, width - batch.shape[2], 0)) if batch.shape[2] < width else batch


def _read(model: Any, ids: Tensor, mask: Tensor, rows: Tensor, first: int) -> dict[str, Any]:
    """Keys and values of prompts, read for this batch alone; empty where the model keeps something else.

    Args:
        model: the model.
        ids: all tokens of a prompt but the last, which the answer's first token is computed from.
        mask: 0 at the pads on the left.
        rows: of ``ids``.
        first: the position of a prompt's first token.
    """
    # By generate itself, so that positions are counted as in what follows.
    output = model.generate(
        input_ids=ids,
        attention_mask=mask,
        **({"position_ids": position_ids(mask, first)} if first else {}),
        do_sample=False,
        max_new_tokens=1,
        return_dict_in_generate=True,
    )
    cache = cache_of(output, ids.shape[1])
    if cache is None:
        return {}
    cache.batch_select_indices(rows)
    return {CACHE: cache}
