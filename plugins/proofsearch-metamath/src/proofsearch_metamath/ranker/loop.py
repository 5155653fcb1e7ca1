"""The training loop of the ranker: steps, validations, and why it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from proofsearch.errors import InputError
from proofsearch.protocols import OnReport, TrainingReport
from proofsearch_metamath.ranker.batches import make_batch
from proofsearch_metamath.ranker.config import NAME, SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.model import RankerModel

STEPS, PATIENCE, TIME, INTERRUPTED = "steps", "patience", "time", "interrupted"
"""Why a training ended."""
UNFINISHED = "unfinished"
"""What stands in the place of that while it goes on."""

_TOP = (1, 8, 32)
_WARMUP = 0.1
"""Share of the steps over which the learning rate rises."""
_CLIP = 1.0
_DECAY = 0.99
"""Of the average over steps of the weights, which is what is measured and kept."""
_VALIDATION_BATCH = 256
_TEMPERATURES = tuple(round(0.7 + 0.05 * number, 2) for number in range(37))
"""From 0.7 to 2.5: tried when a model is measured."""
_INTERVAL = 1.0
"""Seconds between reports."""


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


class RankerLoop:
    """Trains a model; keeps the tensors of the best validation.

    What is validated and kept is an exponential average of the weights over the steps, which is better than those of
    any one step.

    Args:
        model: on the processor.
        train, validation: what is learnt from and measured on; ``validation`` may be empty.
        config: the options.
        seed: of the order and of dropout.
        report: told of the progress.
        on_best: called whenever there are better tensors to keep.
        clock: seconds; for tests.

    Attributes:
        step: optimisation steps done.
        best: the best validation.
        best_step: after which step that was.
        best_tensors: the averaged model's then.
    """

    def __init__(
        self,
        model: RankerModel,
        train: Examples,
        validation: Examples,
        config: SizedConfig,
        seed: int,
        report: OnReport,
        on_best: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._train = train
        self._validation = validation
        self._config = config
        self._random = np.random.default_rng(seed)
        self._report = report
        self._on_best = on_best
        self._clock = clock
        self.steps = max(1, round(config.epochs * len(train) / config.batch))
        plain = [parameter for parameter in model.parameters() if parameter.ndim < 2]
        heavy = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
        self._optimizer = torch.optim.AdamW(
            [{"params": heavy, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=config.learning_rate,
        )
        self._averaged = AveragedModel(model, avg_fn=_average)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)
        self.step = 0
        self.best: Measured | None = None
        self.best_step = 0
        self.best_tensors: dict[str, NDArray[np.float32]] = {}
        self._metrics: dict[str, float] = {}
        self._told = -math.inf

    def run(self, asked: Callable[[], bool]) -> str:
        """Trains to the end, and says why it ended.

        Args:
            asked: whether someone asks to stop.

        Raises:
            InputError: the loss stays no number.
        """
        config, began = self._config, self._clock()
        limit = math.inf if config.max_minutes is None else 60 * config.max_minutes
        order = np.zeros(0, np.int64)
        skipped = since = 0
        stopped = STEPS
        while self.step < self.steps:
            if len(order) < config.batch:
                order = np.append(order, self._random.permutation(len(self._train)))
            chosen, order = order[: config.batch], order[config.batch :]
            # Near each other in memory what is read together.
            if self._one_step(np.sort(chosen)):
                skipped = 0
            else:
                skipped += 1
                if skipped >= config.max_skipped:
                    raise InputError(
                        f"the loss was no number in {skipped} steps in a row, up to step {self.step}; train again with "
                        f"a lower --{NAME}-learning-rate"
                    )
            self._tell()
            late, stop = self._clock() - began >= limit, asked()
            if stop or late or self.step == self.steps:
                stopped = INTERRUPTED if stop else TIME if late else STEPS
                break
            if self.step % config.validate_every == 0:
                since = 0 if self.validate() else since + 1
                if config.patience and since >= config.patience:
                    return PATIENCE
        self.validate()
        return stopped

    def validate(self) -> bool:
        """Measures the model; whether it is the best so far, whose tensors are kept."""
        if not len(self._validation):
            self._keep(None)
            return True
        measured = measure(self._average_model, self._validation)
        self._metrics |= measured.metrics()
        self._told = -math.inf
        self._tell()
        if self.best is None or measured.loss < self.best.loss:
            self._keep(measured)
            return True
        return False

    @property
    def _average_model(self) -> RankerModel:
        model = self._averaged.module
        assert isinstance(model, RankerModel)
        return model

    def _keep(self, measured: Measured | None) -> None:
        self.best, self.best_step = measured, self.step
        state = self._average_model.state_dict()
        self.best_tensors = {name: tensor.detach().numpy().copy() for name, tensor in state.items()}
        self._on_best()

    def _one_step(self, chosen: NDArray[np.int64]) -> bool:
        """One step of the optimiser; false where it was skipped, because the loss or a gradient is no number."""
        model = self._model
        model.train()
        batch = make_batch(self._train, chosen, surroundings=model.architecture.surroundings)
        loss = functional.cross_entropy(model(batch), torch.from_numpy(batch.answers))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        fine = bool(torch.isfinite(norm)) and bool(torch.isfinite(loss))
        if fine:
            self._optimizer.step()
            self._averaged.update_parameters(self._model)
        self._schedule.step()
        self.step += 1
        now = float(loss.detach())
        smooth = self._metrics.get("loss", now)
        self._metrics["loss"] = 0.98 * smooth + 0.02 * now if fine else smooth
        return fine

    def _rate(self, step: int) -> float:
        """The share of the learning rate at a step."""
        done = step / max(1, self.steps)
        if done < _WARMUP:
            return (done + 1 / self.steps) / (_WARMUP + 1 / self.steps)
        return 0.5 * (1 + math.cos(math.pi * (done - _WARMUP) / (1 - _WARMUP)))

    def _tell(self) -> None:
        now = self._clock()
        if now - self._told >= _INTERVAL:
            self._told = now
            self._report(TrainingReport(self.step, self.steps, dict(self._metrics)))


def _average(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
    """The next average; early ones are over fewer steps, so that the start is soon forgotten."""
    decay = min(_DECAY, (int(steps) + 1) / (int(steps) + 10))
    return decay * average + (1 - decay) * now


def measure(model: RankerModel, examples: Examples) -> Measured:
    """How well a model knows the steps of proofs."""
    model.eval()
    total, ranks = torch.zeros(len(_TEMPERATURES)), list[NDArray[np.int64]]()
    with torch.no_grad():
        for start in range(0, len(examples), _VALIDATION_BATCH):
            chosen = np.arange(start, min(start + _VALIDATION_BATCH, len(examples)))
            batch = make_batch(examples, chosen, surroundings=model.architecture.surroundings)
            # A sampled choice stands for several; how many is no opinion of the model's, so it isn't divided.
            logits, shares, answers = model(batch), torch.from_numpy(batch.shares), torch.from_numpy(batch.answers)
            ranks.append((logits > logits.gather(1, answers[:, None])).sum(1).numpy())
            for number, temperature in enumerate(_TEMPERATURES):
                divided = (logits - shares) / temperature + shares
                total[number] += functional.cross_entropy(divided, answers, reduction="sum")
    every = np.concatenate(ranks)
    best = int(total.argmin())
    top = {k: float((every < k).mean()) for k in _TOP}
    return Measured(float(total[best]) / len(every), _TEMPERATURES[best], top)
