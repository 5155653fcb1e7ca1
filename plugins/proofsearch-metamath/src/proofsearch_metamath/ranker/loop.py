"""The training loop of the ranker: steps, validations, and why it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from proofsearch.errors import InputError
from proofsearch.protocols import OnReport, TrainingReport
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.batches import make_batch
from proofsearch_metamath.ranker.config import SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.measuring import Measured, measure
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.resume import RankerState, arrays_of, tensors_of

STEPS, PATIENCE, TIME, INTERRUPTED = "steps", "patience", "time", "interrupted"
"""Why a training ended."""

_WARMUP = 0.1
"""Share of the steps over which the learning rate rises."""
_CLIP = 1.0
_DECAY = 0.99
"""Of the average over steps of the weights, which is what is measured and kept."""
_INTERVAL = 1.0
"""Seconds between reports."""


class RankerLoop:
    """Trains a model; keeps the tensors of the best validation.

    What is validated and kept is an exponential average of the weights over the steps, which is better than those of
    any one step.

    It is a deterministic function of its arguments, however often it is stopped and resumed: dropout draws from torch's
    own generator, whose state is saved with everything else.

    Args:
        model: on the processor.
        train, validation: what is learnt from and measured on; ``validation`` may be empty.
        config: the options.
        seed: of the order and of dropout.
        report: told of the progress.
        clock: seconds; for tests.

    Attributes:
        step: optimisation steps done.
        steps: those there will be at most.
        best: the best validation.
        best_step: after which step that was.
        best_tensors: the averaged model's then.
        whole: whether no step is half done, its validation included, so that what is saved now can be gone on with.
    """

    def __init__(
        self,
        model: RankerModel,
        train: Examples,
        validation: Examples,
        config: SizedConfig,
        seed: int,
        report: OnReport,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._train = train
        self._validation = validation
        self._config = config
        self._random = np.random.default_rng(seed)
        self._report = report
        self._clock = clock
        self.steps = steps_of(config, len(train))
        plain = [parameter for parameter in model.parameters() if parameter.ndim < 2]
        heavy = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
        self._optimizer = torch.optim.AdamW(
            [{"params": heavy, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=config.learning_rate,
        )
        self._averaged = AveragedModel(model, avg_fn=_average)
        self.step = 0
        self.whole = True
        self.best: Measured | None = None
        self.best_step = 0
        self.best_tensors: dict[str, NDArray[np.float32]] = {}
        self._order = np.zeros(0, np.int64)
        self._skipped = self._since = 0
        self._metrics: dict[str, float] = {}
        self._told = -math.inf

    def run(self, save: Callable[[], None], asked: Callable[[], bool]) -> str:
        """Trains to the end, and says why it ended.

        Args:
            save: called after every validation.
            asked: whether someone asks to stop.

        Raises:
            InputError: the loss stays no number.
        """
        config = self._config
        end = math.inf if config.max_minutes is None else self._clock() + 60 * config.max_minutes
        while self.step < self.steps:
            if config.patience and self._since >= config.patience:
                return PATIENCE
            self.whole = False
            self._next_step()
            validated = self.step % config.validate_every == 0
            if validated:
                self._since = 0 if self._validate() else self._since + 1
            self.whole = True
            self._tell()
            if asked():
                return INTERRUPTED
            if validated:
                save()
            if self._clock() >= end:
                return TIME
        return STEPS

    def conclude(self) -> None:
        """Measures the model as it is at the end, where no validation was due.

        It stands beside the course of the training, which goes on without it where it is prolonged: save before.
        """
        if self.step % self._config.validate_every:
            self._validate()

    def _next_step(self) -> None:
        config = self._config
        if len(self._order) < config.batch:
            self._order = np.append(self._order, self._random.permutation(len(self._train)))
        chosen, self._order = self._order[: config.batch], self._order[config.batch :]
        # Near each other in memory what is read together.
        self._skipped = 0 if self._one_step(np.sort(chosen)) else self._skipped + 1
        if self._skipped >= config.max_skipped:
            raise InputError(
                f"the loss was no number in {self._skipped} steps in a row, up to step {self.step}; train again with "
                f"a lower --{NAME}-learning-rate"
            )

    def _validate(self) -> bool:
        """Measures the model; whether it is the best so far, whose tensors are kept."""
        if not len(self._validation):
            self._keep(None)
            return True
        measured = measure(self._average_model, self._validation)
        self._metrics |= measured.metrics()
        self._told = -math.inf
        if self.best is None or measured.loss < self.best.loss:
            self._keep(measured)
            return True
        return False

    # ------------------------------------------------------------------------------------------ saving and going on

    def state(self) -> RankerState:
        """Everything that the next steps depend on."""
        optimiser = self._optimizer.state_dict()
        tensors = {
            "model": arrays_of(self._model.state_dict()),
            "average": arrays_of(self._averaged.state_dict()),
            "optimiser": arrays_of(
                {f"{number}.{name}": value for number, of in optimiser["state"].items() for name, value in of.items()}
            ),
            "best": self.best_tensors,
            "random": {"torch": torch.get_rng_state().numpy(), "order": self._order},
        }
        values = {
            "random": self._random.bit_generator.state,
            "groups": optimiser["param_groups"],
            "best": None if self.best is None else self.best.to_json(),
            "best_step": self.best_step,
            "since": self._since,
            "skipped": self._skipped,
            "metrics": self._metrics,
        }
        return RankerState(self.step, tensors, values)

    def restore(self, state: RankerState) -> None:
        """Goes on from :meth:`state`, of a loop with equal arguments."""
        tensors, values = state.tensors, state.values
        self._model.load_state_dict(tensors_of(tensors["model"]))
        self._averaged.load_state_dict(tensors_of(tensors["average"]))
        per_parameter: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors_of(tensors["optimiser"]).items():
            number, _, name = key.partition(".")
            per_parameter.setdefault(int(number), {})[name] = tensor
        groups = [group | {"betas": tuple(group["betas"])} for group in values["groups"]]
        self._optimizer.load_state_dict({"state": per_parameter, "param_groups": groups})
        self.best_tensors = dict(tensors["best"])
        self.best = None if values["best"] is None else Measured.from_json(values["best"])
        self.best_step = values["best_step"]
        self._random.bit_generator.state = values["random"]
        self._order = tensors["random"]["order"]
        torch.set_rng_state(torch.from_numpy(tensors["random"]["torch"]))
        self._since, self._skipped = values["since"], values["skipped"]
        self._metrics = dict(values["metrics"])
        self.step = state.step

    @property
    def _average_model(self) -> RankerModel:
        model = self._averaged.module
        assert isinstance(model, RankerModel)
        return model

    def _keep(self, measured: Measured | None) -> None:
        self.best, self.best_step = measured, self.step
        state = self._average_model.state_dict()
        self.best_tensors = arrays_of(state)

    def _one_step(self, chosen: NDArray[np.int64]) -> bool:
        """One step of the optimiser; false where it was skipped, because the loss or a gradient is no number."""
        model = self._model
        model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._rate(self.step)
        batch = make_batch(self._train, chosen, surroundings=model.architecture.surroundings)
        loss = functional.cross_entropy(model(batch), torch.from_numpy(batch.answers))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        fine = bool(torch.isfinite(norm)) and bool(torch.isfinite(loss))
        if fine:
            self._optimizer.step()
            self._averaged.update_parameters(self._model)
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

    def say(self, *messages: str) -> None:
        """Reports messages, with how far the training is."""
        self._report(TrainingReport(self.step, max(self.step, self.steps), dict(self._metrics), messages))

    def _tell(self) -> None:
        now = self._clock()
        if now - self._told >= _INTERVAL:
            self._told = now
            self.say()


def steps_of(config: SizedConfig, examples: int) -> int:
    """Steps of the optimiser that the options ask for."""
    return max(1, round(config.epochs * examples / config.batch))


def _average(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
    """The next average; early ones are over fewer steps, so that the start is soon forgotten."""
    decay = min(_DECAY, (int(steps) + 1) / (int(steps) + 10))
    return decay * average + (1 - decay) * now
