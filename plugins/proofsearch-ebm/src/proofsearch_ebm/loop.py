"""The training loop: everything that changes from step to step, and how it is saved and put back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from proofsearch.errors import InputError
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.dataset import Dataset
from proofsearch_ebm.groups import GroupSample
from proofsearch_ebm.head import EnergyHead
from proofsearch_ebm.health import check_health
from proofsearch_ebm.history import History, HistoryRow
from proofsearch_ebm.losses.weighted import WeightedLosses
from proofsearch_ebm.metrics import GroupMeter, GroupMetrics
from proofsearch_ebm.progress import Progress, ScalarWriter
from proofsearch_ebm.resume import TrainingState, optimiser_state, restore_optimiser, to_arrays, to_tensors
from proofsearch_ebm.sampling import GroupSampler
from proofsearch_ebm.schedule import warmup_cosine
from proofsearch_ebm.tensors import Arrays
from proofsearch_ebm.tiers import DEAD_END
from proofsearch_ebm.training_step import train_step
from proofsearch_ebm.validation import Validation

STEPS, PATIENCE, TIME, INTERRUPTED = "steps", "patience", "time", "interrupted"
"""Why a training stopped."""


class EndlessGroups:
    """The batches of a sampler, epoch after epoch.

    Args:
        sampler: makes the batches.
        seed: of the epochs.
    """

    def __init__(self, sampler: GroupSampler, seed: int) -> None:
        self.sampler = sampler
        self._rng = np.random.default_rng(seed)
        self._epoch: Iterator[GroupSample] = iter(())

    def next_batch(self) -> GroupSample:
        """The next batch."""
        for sample in self._epoch:
            return sample
        self._epoch = self.sampler.epoch(self._rng)
        return next(self._epoch)

    def state_dict(self) -> dict[str, Any]:
        """JSON values from which :meth:`load_state_dict` goes on exactly."""
        return self.sampler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there.

        Raises:
            InputError: the state is of other data or options.
        """
        self.sampler.load_state_dict(state)
        self._epoch = self.sampler.epoch(self._rng)


@dataclass(slots=True)
class Best:
    """The best head so far.

    Attributes:
        step: after which it was validated; 0 for none yet.
        rank: its sibling rank in validation.
        loss: its loss in validation: of equal ranks the lower is better.
        head: its tensors.
    """

    step: int = 0
    rank: float = -math.inf
    loss: float = math.inf
    head: Arrays | None = None

    def beaten_by(self, metrics: GroupMetrics) -> bool:
        """Whether a validation is better."""
        loss = metrics.loss if math.isfinite(metrics.loss) else math.inf
        return (metrics.rank_accuracy, -loss) > (self.rank, -self.loss)


class TrainingLoop:
    """One training; a deterministic function of its arguments, however often it is stopped and resumed.

    Args:
        config: the options.
        dataset: what is learned from.
        head: with inputs, scale and cost set.
        source: the groups.
        losses: what is lowered.
        validation: judges the head; with no choices in it the last head is kept.
        seed: of the dropout.
        progress: is told.
        writer: gets what is measured.
    """

    def __init__(
        self,
        config: EbmTrainerConfig,
        dataset: Dataset,
        head: EnergyHead,
        source: EndlessGroups,
        losses: WeightedLosses,
        validation: Validation,
        *,
        seed: int,
        progress: Progress,
        writer: ScalarWriter,
    ) -> None:
        self.config = config
        self.head = head
        self.history = History()
        self.best = Best()
        self.step = 0
        self._dataset = dataset
        self._source = source
        self._losses = losses
        self._validation = validation
        self._progress = progress
        self._writer = writer
        self._optimiser = torch.optim.AdamW(head.parameter_groups(config.weight_decay), lr=config.learning_rate)
        self._factor = warmup_cosine(min(config.warmup, config.steps), config.steps)
        self._dropout = torch.Generator().manual_seed(seed)
        self._stale = 0
        self._skipped = 0
        self._since_validation: list[dict[str, float]] = []
        self._unwell: set[str] = set()
        self._within_step = False
        self._shown: dict[str, float] = {}
        self._messages: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether no step is half done, its validation included, so that what is saved now can be gone on with."""
        return not self._within_step

    def run(self, save: Callable[[], None], interrupted: Callable[[], bool]) -> str:
        """Trains until a reason to stop.

        Args:
            save: called every ``checkpoint_every`` steps.
            interrupted: asked after every step.

        Returns:
            ``"steps"``, ``"patience"``, ``"time"`` or ``"interrupted"``.

        Raises:
            InputError: too many steps in a row gave no finite loss.
        """
        config = self.config
        end = math.inf if config.max_minutes is None else time.monotonic() + 60 * config.max_minutes
        self.head.train()
        while self.step < config.steps:
            if config.patience and self._stale >= config.patience:
                return PATIENCE
            self._within_step = True
            self._one_step()
            if self.step % config.validate_every == 0 or self.step == config.steps:
                self._validate()
            self._within_step = False
            self._report()
            if interrupted():
                return INTERRUPTED
            if self.step % config.checkpoint_every == 0:
                save()
            if time.monotonic() >= end:
                return TIME
        return STEPS

    def _report(self) -> None:
        """Tells what the step gave, once it is whole: whoever is told may ask to stop."""
        messages, self._messages = self._messages, []
        self._progress.at(self.step, self._shown)
        self._progress.say(*messages)
        if self._skipped >= self.config.max_skipped:
            raise InputError(
                f"training failed at step {self.step}: {self._skipped} steps in a row had a loss or a gradient that is "
                f"no finite number; lower --ebm-learning-rate (now {self.config.learning_rate:g}), and if that does "
                f"not help, look for a loss that divides by zero among {', '.join(self.config.loss)}"
            )

    def _one_step(self) -> None:
        config = self.config
        for group in self._optimiser.param_groups:
            group["lr"] = config.learning_rate * self._factor(self.step)
        sample = self._source.next_batch()
        result = train_step(
            self.head,
            self._optimiser,
            self._losses,
            self._dataset,
            sample.states,
            sample.positive,
            elsewhere=sample.tier == DEAD_END,
            policy_weight=config.policy_weight,
            clip=config.clip,
            generator=self._dropout,
        )
        self.step += 1
        self._skipped = self._skipped + 1 if result.skipped else 0
        meter = GroupMeter()
        meter.add(result.energies, result.batch, dict(result.losses), ordered=result.ordered)
        metrics = meter.result()
        flat = metrics.flat() | {"gradient_norm": result.gradient_norm, "skipped": float(result.skipped)}
        self._since_validation.append(flat)
        self._shown |= {"loss": metrics.loss, "gap": metrics.gap, "training rank": metrics.rank_accuracy}
        self._shown |= {f"loss/{name}": value for name, value in metrics.parts.items()}
        if result.skipped:
            self._messages.append(
                f"step {self.step}: the loss or its gradient is no finite number; the step is skipped"
            )

    def _validate(self) -> None:
        training = _means(self._since_validation)
        training["scale"] = float(torch.exp(-self.head.log_temperature.detach()))
        training["learning_rate"] = self._optimiser.param_groups[0]["lr"]
        self._since_validation = []
        self._record(training, "train")
        if not len(self._validation):
            return
        settled = self.head.settled()
        metrics = self._validation(settled)
        self._record(metrics.flat(), "validation")
        if self.best.beaten_by(metrics):
            self.best = Best(self.step, metrics.rank_accuracy, metrics.loss, to_arrays(settled.state_dict()))
            self._stale = 0
        else:
            self._stale += 1
        self._shown |= {
            "rank": metrics.rank_accuracy,
            "policy rank": metrics.policy_rank,
            "energy rank": metrics.energy_rank,
            "chance": metrics.chance,
            "validation loss": metrics.loss,
        }
        if self.step >= self.config.warmup:
            warnings = check_health(metrics)
            self._messages += [f"step {self.step}: {one.message}" for one in warnings if one.name not in self._unwell]
            self._unwell = {one.name for one in warnings}

    def _record(self, metrics: Mapping[str, float], split: str) -> None:
        self.history.add(self.step, metrics, split)
        self._writer.write(self.step, {f"{split}/{name}": value for name, value in metrics.items()})

    # ------------------------------------------------------------------------------------------ saving and going on

    def state(self) -> TrainingState:
        """Everything that the next steps depend on."""
        optimiser, groups = optimiser_state(self._optimiser)
        tensors: dict[str, Arrays] = {
            "head": to_arrays(self.head.state_dict()),
            "optimiser": optimiser,
            "random": to_arrays({"dropout": self._dropout.get_state()}),
        }
        if self.best.head is not None:
            tensors["best"] = self.best.head
        return TrainingState(
            self.step,
            tensors,
            {
                "groups": groups,
                "source": self._source.state_dict(),
                "best": {"step": self.best.step, "rank": self.best.rank, "loss": self.best.loss},
                "stale": self._stale,
                "skipped": self._skipped,
                "since_validation": self._since_validation,
                "history": [[row.step, row.split, dict(row.metrics)] for row in self.history.rows],
            },
        )

    def restore(self, state: TrainingState) -> None:
        """Goes on from :meth:`state`, of a loop with equal arguments."""
        values, tensors = state.values, state.tensors
        self.head.load_state_dict(to_tensors(tensors["head"]))
        restore_optimiser(self._optimiser, tensors["optimiser"], values["groups"])
        self._dropout.set_state(to_tensors(tensors["random"])["dropout"])
        self._source.load_state_dict(values["source"])
        self.best = Best(**values["best"], head=tensors.get("best"))
        self._stale, self._skipped = values["stale"], values["skipped"]
        self._since_validation = list(values["since_validation"])
        self.history = History([HistoryRow(*row) for row in values["history"]])
        self.step = state.step


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric where it is a number; NaN where it never is."""
    means = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        numbers = [row[name] for row in rows if name in row and math.isfinite(row[name])]
        means[name] = math.fsum(numbers) / len(numbers) if numbers else math.nan
    return means
