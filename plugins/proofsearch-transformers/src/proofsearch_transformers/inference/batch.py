"""The rows that ``generate`` works on: each prompt is read once, and rows whose answer has ended leave the batch.

``generate`` would read a prompt again for every answer to it, which takes most of the time where states are long and
tactics are short; and it would compute all rows until the longest answer ends. So what the model keeps of a prompt
(keys and values, or an encoder's output) is computed for one row and handed to all of its answers, and is also what a
smaller batch goes on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad as pad_tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.modeling_outputs import BaseModelOutput

from proofsearch_transformers.inference.positions import position_ids
from proofsearch_transformers.inference.prompting import pad

_BY_ROW = (DynamicLayer, DynamicSlidingWindowLayer)
"""Caches whose rows can be chosen by number; recurrent states, for one, can't."""
_GROUPS = 4
_GROUP = 4
"""Prompts are read in at most so many groups of about equal length, none with fewer prompts than this."""


def read_prompts(
    model: Any, prompts: Sequence[Sequence[int]], pad_id: int, beams: int = 1, *, first: int = 0
) -> dict[str, Any]:
    """What to give to ``generate`` for these prompts, one row an answer.

    Args:
        model: a causal language model or an encoder-decoder.
        prompts: their tokens; equal ones are read once.
        pad_id: fills up the rows.
        beams: rows that ``generate`` will make of each prompt itself.
        first: the position of a prompt's first token; ``generate`` counts from 0 unless it is told otherwise.
    """
    places = {prompt: place for place, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
    decoder = model.config.is_encoder_decoder
    ids, mask = (tensor.to(model.device) for tensor in pad(list(places), pad_id, left=not decoder))
    rows = torch.tensor([places[tuple(prompt)] for prompt in prompts], device=model.device)
    if decoder:
        with torch.inference_mode():
            read = model.get_encoder()(input_ids=ids, attention_mask=mask, return_dict=True).last_hidden_state[rows]
        return {"encoder_outputs": BaseModelOutput(last_hidden_state=read), "attention_mask": mask[rows]}
    inputs: dict[str, Any] = {"input_ids": ids[rows], "attention_mask": mask[rows]}
    if first:
        inputs["position_ids"] = position_ids(mask, first)[rows]
    if ids.shape[1] > 1:
        inputs |= _read(model, ids[:, :-1], mask[:, :-1], rows.repeat_interleave(beams), first)
    return inputs


def _read(model: Any, ids: Tensor, mask: Tensor, rows: Tensor, first: int) -> dict[str, Any]:
    """Keys and values of prompts, for these rows; empty where the model keeps something else.

    Args:
        model: the model.
        ids: all tokens of a prompt but the last, which the answer's first token is computed from.
        mask: 0 at the pads on the left.
        rows: of ``ids``.
        first: the position of a prompt's first token.
    """
    groups = min(_GROUPS, len(ids) // _GROUP) if _attends_to_all(model.config.get_text_config()) else 1
    order = mask.sum(dim=1).argsort(stable=True)
    caches: list[Any] = []
    for chosen in order.tensor_split(max(groups, 1)):
        # A prompt of one token has nothing to be read, and still takes a column.
        pads = min(int((mask[chosen] == 0).sum(dim=1).min()), ids.shape[1] - 1)
        # By generate itself, so that positions are counted as in what follows.
        output = model.generate(
            input_ids=ids[chosen, pads:],
            attention_mask=mask[chosen, pads:],
            **({"position_ids": position_ids(mask[chosen, pads:], first)} if first else {}),
            do_sample=False,
            max_new_tokens=1,
            return_dict_in_generate=True,
        )
        cache = _cache(output, ids.shape[1] - pads)
        if cache is None:
            return {}
        if pads:
            _widen(cache, pads)
        caches.append(cache)
    whole = caches[0]
    for place, layer in enumerate(whole.layers):
        layer.keys = torch.cat([cache.layers[place].keys for cache in caches])
        layer.values = torch.cat([cache.layers[place].values for cache in caches])
    whole.batch_select_indices(order.argsort()[rows])
    return {_name(output): whole}


def _attends_to_all(config: Any) -> bool:
    """Whether every layer keeps all tokens, so that pads can be put in front of what it keeps."""
    kinds = getattr(config, "layer_types", None)
    return getattr(config, "sliding_window", None) is None and (not kinds or set(kinds) == {"full_attention"})


def _widen(cache: DynamicCache, columns: int) -> None:
    """Puts columns in front, for tokens that nothing attends to."""
    layer: Any
    for layer in cache.layers:
        layer.keys = pad_tensor(layer.keys, (0, 0, columns, 0))
        layer.values = pad_tensor(layer.values, (0, 0, columns, 0))


def go_on(output: Any, inputs: dict[str, Any], rows: Sequence[int], *, first: int = 0) -> dict[str, Any]:
    """What to give to ``generate`` so that some rows of what it gave are written on.

    Args:
        output: what it gave.
        inputs: what it was given, with a cache as from :func:`read_prompts`.
        rows: the numbers of the rows.
        first: as there.
    """
    chosen = torch.tensor(rows, device=output.sequences.device)
    ids, mask = output.sequences[chosen], inputs["attention_mask"][chosen]
    written = mask.new_ones((len(rows), ids.shape[1] - mask.shape[1]))
    cache = _cache(output, ids.shape[1] - 1)
    if cache is not None:  # else the prompts are read again, with what was written
        cache.batch_select_indices(chosen)
    kept: dict[str, Any] = {} if cache is None else {_name(output): cache}
    mask = torch.cat([mask, written], dim=1)
    if first:
        kept["position_ids"] = position_ids(mask, first)
    return {"input_ids": ids, "attention_mask": mask, **kept}


def can_go_on(inputs: dict[str, Any]) -> bool:
    """Whether rows can be taken out of this batch."""
    return "cache" in inputs or "past_key_values" in inputs


def _cache(output: Any, length: int) -> DynamicCache | None:
    """What the model keeps of ``length`` tokens; ``None`` where its rows can't be chosen."""
    cache = getattr(output, _name(output))
    by_row = isinstance(cache, DynamicCache) and all(type(layer) in _BY_ROW for layer in cache.layers)
    return cache if by_row and cache.get_seq_length() == length else None


def _name(output: Any) -> str:
    # As this version of transformers calls it.
    return "cache" if hasattr(output, "cache") else "past_key_values"
