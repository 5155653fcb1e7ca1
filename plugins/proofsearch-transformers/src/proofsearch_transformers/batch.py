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
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.modeling_outputs import BaseModelOutput

from proofsearch_transformers.prompting import pad

_BY_ROW = (DynamicLayer, DynamicSlidingWindowLayer)
"""Caches whose rows can be chosen by number; recurrent states, for one, can't."""


def read_prompts(model: Any, prompts: Sequence[Sequence[int]], pad_id: int, beams: int = 1) -> dict[str, Any]:
    """What to give to ``generate`` for these prompts, one row an answer.

    Args:
        model: a causal language model or an encoder-decoder.
        prompts: their tokens; equal ones are read once.
        pad_id: fills up the rows.
        beams: rows that ``generate`` will make of each prompt itself.
    """
    places = {prompt: place for place, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
    decoder = model.config.is_encoder_decoder
    ids, mask = (tensor.to(model.device) for tensor in pad(list(places), pad_id, left=not decoder))
    rows = torch.tensor([places[tuple(prompt)] for prompt in prompts], device=model.device)
    if decoder:
        with torch.inference_mode():
            read = model.get_encoder()(input_ids=ids, attention_mask=mask, return_dict=True).last_hidden_state[rows]
        return {"encoder_outputs": BaseModelOutput(last_hidden_state=read), "attention_mask": mask[rows]}
    inputs = {"input_ids": ids[rows], "attention_mask": mask[rows]}
    if ids.shape[1] > 1:
        # All tokens but the last, which the answer's first token is computed from; by generate itself, so that
        # positions are counted as in what follows.
        output = model.generate(
            input_ids=ids[:, :-1],
            attention_mask=mask[:, :-1],
            do_sample=False,
            max_new_tokens=1,
            return_dict_in_generate=True,
        )
        inputs |= _kept(output, ids.shape[1] - 1, rows.repeat_interleave(beams))
    return inputs


def go_on(output: Any, inputs: dict[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    """What to give to ``generate`` so that some rows of what it gave are written on.

    Args:
        output: what it gave.
        inputs: what it was given, with a cache as from :func:`read_prompts`.
        rows: the numbers of the rows.
    """
    chosen = torch.tensor(rows, device=output.sequences.device)
    ids, mask = output.sequences[chosen], inputs["attention_mask"][chosen]
    written = mask.new_ones((len(rows), ids.shape[1] - mask.shape[1]))
    kept = _kept(output, ids.shape[1] - 1, chosen)
    return {"input_ids": ids, "attention_mask": torch.cat([mask, written], dim=1), **kept}


def can_go_on(inputs: dict[str, Any]) -> bool:
    """Whether rows can be taken out of this batch."""
    return "cache" in inputs or "past_key_values" in inputs


def _kept(output: Any, length: int, rows: Tensor) -> dict[str, Any]:
    """Keys and values of ``length`` tokens, for these rows; empty where the model keeps something else."""
    name = "cache" if hasattr(output, "cache") else "past_key_values"  # as this version of transformers calls it
    cache = getattr(output, name)
    if not isinstance(cache, DynamicCache) or not all(type(layer) in _BY_ROW for layer in cache.layers):
        return {}
    if cache.get_seq_length() != length:
        return {}
    cache.batch_select_indices(rows)
    return {name: cache}
