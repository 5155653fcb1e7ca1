"""The training loop of the ranker: steps, validations, and why it ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from proofsearch.trainers.progress import Progress
from proofsearch.trainers.schedule import warmup_cosine
from proofsearch.trainers.state import TrainingState
from proofsearch.trainers.stepping import SteppedTraining, Stopping
from proofsearch.trainers.tensors import Arrays, optimiser_state, restore_optimiser, to_arrays
from proofsearch_metamath.config import NAME
from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.batches import make_batch
from proofsearch_metamath.ranker.config import SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.measuring import Measured, measure
from proofsearch_metamath.ranker.model import RankerModel

FORMAT = 1
"""The version of the state that this module makes, and the only one that it reads."""

_WARMUP = 0.1
"""Share of the steps over which the learning rate rises."""
_CLIP = 1.0
_DECAY = 0.99
"""Of the average over steps of the weights, which is what is measured and kept."""


class RankerLoop(SteppedTraining):
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
        progress: is told.
        steps: which of the steps in ``train`` are learnt from, by number; default: all.
        begun: whether the model has learnt before: then it is measured, and may be kept, before the first step.
        measured: which of the steps in ``validation`` are measured on, by number; default: all.
        rehearsed: steps that the model has learnt before: in a pass as many of them, drawn anew, as of ``steps``.

    Attributes:
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
        progress: Progress,
        steps: Ints | None = None,
        begun: bool = False,
        measured: Ints | None = None,
        rehearsed: Ints | None = None,
    ) -> None:
        self._begun = begun
        self._measured = np.arange(len(validation)) if measured is None else measured
        self._learnt = np.arange(len(train)) if steps is None else steps
        self._rehearsed = np.zeros(0, np.int64) if rehearsed is None else rehearsed
        count = steps_of(config, pass_of(len(self._learnt), len(self._rehearsed)))
        remedy = f"train again with a lower --{NAME}-learning-rate"
        super().__init__(
            Stopping(count, config.validate_every, config.patience, config.max_minutes, config.max_skipped, remedy),
            progress,
        )
        self._model = model
        self._train = train
        self._validation = validation
        self._config = config
        self._random = np.random.default_rng(seed)
        self._steps = count
        self._factor = warmup_cosine(_WARMUP, 1, step=1 / count, rise=_WARMUP + 1 / count)
        plain = [parameter for parameter in model.parameters() if parameter.ndim < 2]
        heavy = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
        self._optimizer = torch.optim.AdamW(
            [{"params": heavy, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=config.learning_rate,
        )
        self._averaged = AveragedModel(model, avg_fn=_average)
        self.best: Measured | None = None
        self.best_step = 0
        self.best_tensors: dict[str, NDArray[np.float32]] = {}
        self._order = np.zeros(0, np.int64)

    def advance(self) -> None:
        """Makes a step, and the validation that is due after it."""
        if self._begun and self.step == 0:
            self._validate()
        self._next_step()
        if self.step % self._config.validate_every == 0:
            self.stale = 0 if self._validate() else self.stale + 1

    def conclude(self) -> None:
        """Measures the model as it is at the end, where no validation was due.

        It stands beside the course of the training, which goes on without it where it is prolonged: save before.
        """
        if self.step % self._config.validate_every:
            self._validate()

    def measure_best(self, steps: Ints) -> Measured | None:
        """Measures the tensors that are kept on other steps in ``validation``, which decide nothing.

        The logits are divided by the temperature that was chosen. ``None`` where nothing was validated, or no steps are
        given. The averaged model is that of the best validation from now on, so the training can't go on.
        """
        if self.best is None or not len(steps):
            return None
        self._averaged.module.load_state_dict(_to_tensors(self.best_tensors))
        return measure(self._average_model, self._validation, steps, self.best.temperature)

    def _next_step(self) -> None:
        config = self._config
        if len(self._order) < config.batch:
            self._order = np.append(self._order, self._one_pass())
        chosen, self._order = self._order[: config.batch], self._order[config.batch :]
        # Near each other in memory what is read together.
        self.skipped = 0 if self._one_step(np.sort(chosen)) else self.skipped + 1

    def _one_pass(self) -> Ints:
        """The steps that are learnt, and some of those that are rehearsed, in a random order."""
        learnt, rehearsed = self._learnt, self._rehearsed
        if len(rehearsed):
            drawn = self._random.choice(rehearsed, pass_of(len(learnt), len(rehearsed)) - len(learnt), replace=False)
            learnt = np.append(learnt, drawn)
        return self._random.permutation(learnt)

    def _validate(self) -> bool:
        """Measures the model; whether it is the best so far, whose tensors are kept."""
        self.validated = True
        if not len(self._measured):
            self._keep(None)
            return True
        measured = measure(self._average_model, self._validation, self._measured)
        self.shown |= measured.metrics()
        if self.best is None or measured.loss < self.best.loss:
            self._keep(measured)
            return True
        return False

    # ------------------------------------------------------------------------------------------ saving and going on

    def state(self, origin: Mapping[str, Any]) -> TrainingState:
        """Everything that the next steps depend on, with what the training was begun with."""
        optimiser, groups = optimiser_state(self._optimizer)
        tensors: dict[str, Arrays] = {
            "model": to_arrays(self._model.state_dict()),
            "average": to_arrays(self._averaged.state_dict()),
            "optimiser": optimiser,
            "best": self.best_tensors,
            "random": {"torch": torch.get_rng_state().numpy(), "order": self._order},
        }
        values = {
            "random": self._random.bit_generator.state,
            "groups": groups,
            "best": None if self.best is None else self.best.to_json(),
            "best_step": self.best_step,
            "since": self.stale,
            "skipped": self.skipped,
            "metrics": self.shown,
        }
        return TrainingState(self.step, tensors, {"format": FORMAT, "values": values, "origin": dict(origin)})

    def restore(self, state: TrainingState) -> None:
        """Goes on from :meth:`state`, of a loop with equal arguments."""
        values, tensors = state.values["values"], state.tensors
        self._model.load_state_dict(_to_tensors(tensors["model"]))
        self._averaged.load_state_dict(_to_tensors(tensors["average"]))
        restore_optimiser(self._optimizer, tensors["optimiser"], values["groups"], torch.from_numpy)
        self.best_tensors = dict(tensors["best"])
        self.best = None if values["best"] is None else Measured.from_json(values["best"])
        self.best_step = values["best_step"]
        self._random.bit_generator.state = values["random"]
        self._order = tensors["random"]["order"]
        torch.set_rng_state(torch.from_numpy(tensors["random"]["torch"]))
        self.stale, self.skipped = values["since"], values["skipped"]
        self.shown = dict(values["metrics"])
        self.step = state.step

    @property
    def _average_model(self) -> RankerModel:
        model = self._averaged.module
        assert isinstance(model, RankerModel)
        return model

    def _keep(self, measured: Measured | None) -> None:
        self.best, self.best_step = measured, self.step
        self.best_tensors = to_arrays(self._average_model.state_dict())

    def _one_step(self, chosen: NDArray[np.int64]) -> bool:
        """One step of the optimiser; false where it was skipped, because the loss or a gradient is no number."""
        model = self._model
        model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._factor(self.step / self._steps)
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
        smooth = self.shown.get("loss", now)
        self.shown["loss"] = 0.98 * smooth + 0.02 * now if fine else smooth
        return fine


def pass_of(learnt: int, rehearsed: int) -> int:
    """How many steps of proofs a pass has: at most as many rehearsed ones as there are to learn."""
    return learnt + min(learnt, rehearsed)


def steps_of(config: SizedConfig, examples: int) -> int:
    """Steps of the optimiser that the options ask for."""
    return max(1, round(config.epochs * examples / config.batch))


def _to_tensors(arrays: Arrays) -> dict[str, Tensor]:
    """A copy of arrays as tensors, bit for bit."""
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _average(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
    """The next average; early ones are over fewer steps, so that the start is soon forgotten."""
    decay = min(_DECAY, (int(steps) + 1) / (int(steps) + 10))
    return decay * average + (1 - decay) * now
