"""What a model makes of a prompt, by one forward pass: hidden states, the next token, and what writing goes on with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.generation.utils import GenerateDecoderOnlyOutput

from proofsearch.models.confidence import BEST
from proofsearch.protocols import PolicyStatistics
from proofsearch_transformers.inference.positions import position_ids
from proofsearch_transformers.inference.prompting import pad

CACHE = "cache" if "cache" in {field.name for field in fields(GenerateDecoderOnlyOutput)} else "past_key_values"
"""What this version of transformers calls keys and values."""
BY_ROW = (DynamicLayer, DynamicSlidingWindowLayer)
"""Caches whose rows can be chosen by number; recurrent states, for one, can't."""
_GROUPS = 4
_GROUP = 4
"""Prompts are read in at most so many groups of about equal length, none with fewer prompts than this."""

KeysAndValues = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of one prompt.

    Attributes:
        hidden: by layer, ``None`` for the output of the last, the hidden states, shape ``(tokens, width)``; of an
            encoder-decoder those of its encoder.
        next: of the distribution of the first token of an answer.
        cache: keys and values of every layer, each of shape ``(tokens - 1, heads, size)``, for all tokens but the last,
            which the answer's first token is computed from; ``None`` where the model keeps something else.
    """

    hidden: Mapping[int | None, Tensor]
    next: PolicyStatistics
    cache: Sequence[KeysAndValues] | None

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self._tensors())

    def own(self) -> Reading:
        """The same with memory of its own, without that of the batch in which it was read."""
        cache = None if self.cache is None else [(keys.clone(), values.clone()) for keys, values in self.cache]
        return replace(self, hidden={layer: states.clone() for layer, states in self.hidden.items()}, cache=cache)

    def _tensors(self) -> Iterator[Tensor]:
        yield from self.hidden.values()
        for pair in self.cache or ():
            yield from pair


class KeptReadings:
    """The last readings, in bounds: what takes most memory, and serves only once, is forgotten first."""

    def __init__(self) -> None:
        self._readings: OrderedDict[tuple[int, ...], Reading] = OrderedDict()
        self._size = 0

    def get(self, prompt: Sequence[int]) -> Reading | None:
        """What the model made of these tokens, if it is still known."""
        reading = self._readings.get(tuple(prompt))
        if reading is not None:
            self._readings.move_to_end(tuple(prompt))
        return reading

    def put(self, prompt: Sequence[int], reading: Reading, most: float) -> None:
        """Keeps a reading, within ``most`` bytes of all."""
        self._set(tuple(prompt), reading.own())
        for old in [prompt for prompt, kept in self._readings.items() if kept.cache is not None]:
            if self._size <= most:
                return
            self.spend(old)
        while self._size > most:
            self._drop(next(iter(self._readings)))

    def spend(self, prompt: Sequence[int]) -> None:
        """Forgets keys and values of a prompt, which were used."""
        kept = self._readings.get(tuple(prompt))
        if kept is not None and kept.cache is not None:
            self._size -= kept.size
            kept = self._readings[tuple(prompt)] = replace(kept, cache=None)
            self._size += kept.size

    def clear(self) -> None:
        """Forgets all."""
        self._readings.clear()
        self._size = 0

    def _set(self, prompt: tuple[int, ...], reading: Reading) -> None:
        self._drop(prompt)
        self._readings[prompt] = reading
        self._size += reading.size

    def _drop(self, prompt: tuple[int, ...]) -> None:
        old = self._readings.pop(prompt, None)
        self._size -= 0 if old is None else old.size


def groups(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Places of prompts of about equal length, to be read together, the shortest first; at most ``most`` a group."""
    order = torch.tensor(lengths).argsort(stable=True)
    parts = max(-(-len(order) // most), min(_GROUPS, len(order) // _GROUP), 1)
    return [part.tolist() for part in order.tensor_split(parts) if len(part)]


def read(
    model: Any, backbone: Any, prompts: Sequence[Sequence[int]], pad_id: int, first: int, layers: Collection[int | None]
) -> list[Reading]:
    """One forward pass over some prompts.

    It is ``generate`` that makes it, so that positions are counted as in what it writes later.

    Args:
        model: a causal language model or an encoder-decoder.
        backbone: the part of it whose hidden states are meant.
        prompts: their tokens, none empty.
        pad_id: fills up the rows.
        first: the position of a prompt's first token.
        layers: of the hidden states.
    """
    decoder = model.config.is_encoder_decoder
    ids, mask = (tensor.to(model.device) for tensor in pad(prompts, pad_id, left=not decoder))
    with _captured(backbone) as outputs:
        output = model.generate(
            input_ids=ids,
            attention_mask=mask,
            **({"position_ids": position_ids(mask, first)} if first else {}),
            do_sample=False,
            max_new_tokens=1,
            return_dict_in_generate=True,
            output_logits=True,
            output_hidden_states=any(layer is not None for layer in layers),
        )
    hidden = {layer: outputs[0][0] if layer is None else outputs[0].hidden_states[layer] for layer in layers}
    told = next_tokens(output.logits[0])
    cache = None if decoder else cache_of(output, ids.shape[1])
    readings = []
    for row, prompt in enumerate(prompts):
        begin = 0 if decoder else ids.shape[1] - len(prompt)
        own = slice(begin, begin + len(prompt))
        pairs = None if cache is None else _row(cache, row, slice(begin, -1))
        readings.append(Reading({layer: states[row, own] for layer, states in hidden.items()}, told[row], pairs))
    return readings


def next_tokens(logits: Tensor) -> list[PolicyStatistics]:
    """What the distribution of a next token says, for each row of logits, shape ``(rows, vocabulary)``.

    All numbers are of tokens, not of tactics: of the first token that a tactic could begin with.
    """
    scores = logits.float()
    total = scores.logsumexp(dim=-1)
    logprobs = scores - total[:, None]
    top = logprobs.topk(min(BEST, scores.shape[1]), dim=-1).values.clamp(max=0.0)
    entropy = torch.special.entr(logprobs.exp()).sum(dim=-1)
    mass = top.exp().sum(dim=-1).clamp(max=1.0)
    second = top[:, min(1, top.shape[1] - 1)]
    numbers = torch.stack([top[:, 0], second, entropy, total, mass], dim=1).cpu().double().tolist()
    return [
        PolicyStatistics(best=best, second=second, entropy=entropy, log_sum_exp=total, mass=mass)
        for best, second, entropy, total, mass in numbers
    ]


def reads_whole(config: Any, tokens: int) -> bool:
    """Whether every layer keeps all of so many tokens, so that pads can be put in front of what it keeps."""
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    return kinds <= {"full_attention", "sliding_attention"} and (window is None or tokens < window)


def cache_of(output: Any, length: int) -> DynamicCache | None:
    """What the model keeps of ``length`` tokens; ``None`` where its rows can't be chosen."""
    cache = getattr(output, CACHE)
    by_row = isinstance(cache, DynamicCache) and all(type(layer) in BY_ROW for layer in cache.layers)
    return cache if by_row and cache.get_seq_length() == length else None


def _row(cache: DynamicCache, row: int, columns: slice) -> Sequence[KeysAndValues] | None:
    pairs = []
    layer: Any
    for layer in cache.layers:
        if layer.keys is None:  # some layers share those of others
            return None
        pairs.append((layer.keys[row, :, columns].transpose(0, 1), layer.values[row, :, columns].transpose(0, 1)))
    return pairs


@contextmanager
def _captured(module: Any) -> Iterator[list[Any]]:
    """Collects what a part of a model returns while the whole is computed."""
    outputs: list[Any] = []
    handle = module.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    try:
        yield outputs
    finally:
        handle.remove()
