"""How well a model knows the steps of proofs, and how sure it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.batches import make_batch
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.model import RankerModel

_TOP = (1, 8, 32)
_BATCH = 256
_TEMPERATURES = tuple(round(0.7 + 0.05 * number, 2) for number in range(37))
"""From 0.7 to 2.5: tried when a model is measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a validation found.

    Attributes:
        loss: the mean of minus the log-probability of the steps that the proofs took, the logits divided by the
            temperature.
        temperature: that with the least loss. A model that trains for long ranks ever better and grows too sure of
            itself; divided by this, its logits are as sure as they should be.
        top: how often that step was among the first k, by k, in [0, 1].
    """

    loss: float
    temperature: float
    top: Mapping[int, float]

    def metrics(self) -> dict[str, float]:
        """By name."""
        named = {"validation_loss": self.loss, "temperature": self.temperature}
        return named | {f"top_{k}": share for k, share in self.top.items()}

    def to_json(self) -> dict[str, Any]:
        """As JSON values, from which :meth:`from_json` makes an equal one."""
        return {"loss": self.loss, "temperature": self.temperature, "top": sorted(self.top.items())}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Measured:
        """What :meth:`to_json` gave."""
        return cls(values["loss"], values["temperature"], {int(k): share for k, share in values["top"]})


def measure(model: RankerModel, examples: Examples, steps: Ints, temperature: float | None = None) -> Measured:
    """How well a model knows the steps of proofs.

    Args:
        model: which one.
        examples: steps of proofs.
        steps: the numbers of those to measure on; at least one.
        temperature: what the logits are divided by; ``None``: what suits these steps best.
    """
    temperatures = _TEMPERATURES if temperature is None else (temperature,)
    model.eval()
    total, ranks = torch.zeros(len(temperatures)), list[NDArray[np.int64]]()
    with torch.no_grad():
        for start in range(0, len(steps), _BATCH):
            chosen = steps[start : start + _BATCH]
            batch = make_batch(examples, chosen, surroundings=model.architecture.surroundings)
            # A sampled choice stands for several; how many is no opinion of the model's, so it isn't divided.
            logits, shares, answers = model(batch), torch.from_numpy(batch.shares), torch.from_numpy(batch.answers)
            ranks.append((logits > logits.gather(1, answers[:, None])).sum(1).numpy())
            for number, divisor in enumerate(temperatures):
                divided = (logits - shares) / divisor + shares
                total[number] += functional.cross_entropy(divided, answers, reduction="sum")
    every = np.concatenate(ranks)
    best = int(total.argmin())
    top = {k: float((every < k).mean()) for k in _TOP}
    return Measured(float(total[best]) / len(every), temperatures[best], top)
