"""The training loop: everything that changes from step to step, and how it is saved and put back."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from proofsearch.trainers.progress import Progress
from proofsearch.trainers.schedule import warmup_cosine
from proofsearch.trainers.state import TrainingState
from proofsearch.trainers.stepping import SteppedTraining, Stopping
from proofsearch.trainers.tensors import Arrays, optimiser_state, restore_optimiser, to_arrays
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.groups.sample import GroupSample
from proofsearch_ebm.groups.sampling import GroupSampler
from proofsearch_ebm.groups.tiers import NOT_COMPARED
from proofsearch_ebm.losses.weighted import WeightedLosses
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.health import check_health
from proofsearch_ebm.training.history import History, HistoryRow
from proofsearch_ebm.training.metrics import GroupMeter, GroupMetrics
from proofsearch_ebm.training.scalars import WriteScalars
from proofsearch_ebm.training.step import train_step
from proofsearch_ebm.training.validation import Validation


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
        """JSON values from which :meth:`load_state_dict` resumes exactly."""
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
        step: after which it was validated; 0 for none yet, or for the one that the training began with.
        rank: its sibling rank in validation.
        loss: its loss in validation: of equal ranks the lower is better.
        head: its tensors; ``None`` for none yet.
    """

    step: int = 0
    rank: float = -math.inf
    loss: float = math.inf
    head: Arrays | None = None

    def is_beaten_by(self, metrics: GroupMetrics) -> bool:
        """Whether a validation is better."""
        loss = metrics.loss if math.isfinite(metrics.loss) else math.inf
        return (metrics.rank_accuracy, -loss) > (self.rank, -self.loss)


class TrainingLoop(SteppedTraining):
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
        write: gets what is measured.
        begun: whether the head has learnt something already: it is judged before the first step, and kept if none
            becomes better.
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
        write: WriteScalars,
        begun: bool = False,
    ) -> None:
        remedy = (
            f"lower --ebm-learning-rate (now {config.learning_rate:g}), and if that does not help, look for a loss "
            f"that divides by zero among {', '.join(config.loss)}"
        )
        stopping = Stopping(
            config.steps, config.checkpoint_every, config.patience, config.max_minutes, config.max_skipped, remedy
        )
        super().__init__(stopping, progress)
        self.config = config
        self.head = head
        self.history = History()
        self.best = Best()
        self._dataset = dataset
        self._source = source
        self._losses = losses
        self._validation = validation
        self._write = write
        self._begun = begun
        self._optimiser = torch.optim.AdamW(head.parameter_groups(config.weight_decay), lr=config.learning_rate)
        self._factor = warmup_cosine(min(config.warmup, config.steps), config.steps)
        self._dropout = torch.Generator().manual_seed(seed)
        self._since_validation: list[dict[str, float]] = []
        self._unwell: set[str] = set()

    def advance(self) -> None:
        """Makes a step, and the validation that is due after it."""
        if self.step == 0 and self._begun:
            self._judge()
        self.head.train()
        self._one_step()
        if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
            self._validate()

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
            elsewhere=np.isin(sample.tier, NOT_COMPARED),
            policy_weight=config.policy_weight,
            clip=config.clip,
            generator=self._dropout,
        )
        self.step += 1
        self.skipped = self.skipped + 1 if result.skipped else 0
        meter = GroupMeter()
        meter.add(result.energies, result.batch, dict(result.losses), ordered=result.ordered)
        metrics = meter.result()
        flat = metrics.flat() | {"gradient_norm": result.gradient_norm, "skipped": float(result.skipped)}
        self._since_validation.append(flat)
        self.shown |= {"loss": metrics.loss, "gap": metrics.gap, "training rank": metrics.rank_accuracy}
        self.shown |= {f"loss/{name}": value for name, value in metrics.parts.items()}
        if result.skipped:
            self.messages.append(f"step {self.step}: the loss or its gradient is no finite number; the step is skipped")

    def _validate(self) -> None:
        self.validated = True
        training = _means(self._since_validation)
        training["scale"] = float(torch.exp(-self.head.log_temperature.detach()))
        training["learning_rate"] = self._optimiser.param_groups[0]["lr"]
        self._since_validation = []
        self._record(training, "train")
        self._judge()

    def _judge(self) -> None:
        """Measures the head on validation theorems, and keeps it if none was better."""
        if not len(self._validation):
            return
        settled = self.head.with_exact_norms()
        metrics = self._validation(settled)
        self._record(metrics.flat(), "validation")
        if self.best.is_beaten_by(metrics):
            self.best = Best(self.step, metrics.rank_accuracy, metrics.loss, to_arrays(settled.state_dict()))
            self.stale = 0
        else:
            self.stale += 1
        self.shown |= {
            "rank": metrics.rank_accuracy,
            "policy rank": metrics.policy_rank,
            "energy rank": metrics.energy_rank,
            "chance": metrics.chance,
            "validation loss": metrics.loss,
        }
        if self.step >= self.config.warmup:
            warnings = check_health(metrics)
            self.messages += [
                f"step {self.step}: {warning.message}" for warning in warnings if warning.name not in self._unwell
            ]
            self._unwell = {warning.name for warning in warnings}

    def _record(self, metrics: Mapping[str, float], split: str) -> None:
        self.history.add(self.step, metrics, split)
        self._write(self.step, {f"{split}/{name}": value for name, value in metrics.items()})

    # ------------------------------------------------------------------------------------------ saving and going on

    def state(self, origin: Mapping[str, Any]) -> TrainingState:
        """Everything that the next steps depend on, with what the training was begun with."""
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
                "step": self.step,
                "groups": groups,
                "source": self._source.state_dict(),
                "best": {"step": self.best.step, "rank": self.best.rank, "loss": self.best.loss},
                "stale": self.stale,
                "skipped": self.skipped,
                "since_validation": self._since_validation,
                "history": [[row.step, row.split, dict(row.metrics)] for row in self.history.rows],
                **origin,
            },
        )

    def restore(self, state: TrainingState) -> None:
        """Goes on from :meth:`state`, of a loop with equal arguments."""
        values, tensors = state.values, state.tensors
        self.head.load_state_dict(to_tensors(tensors["head"]))
        restore_optimiser(self._optimiser, tensors["optimiser"], values["groups"], torch.from_numpy)
        self._dropout.set_state(to_tensors(tensors["random"])["dropout"])
        self._source.load_state_dict(values["source"])
        self.best = Best(**values["best"], head=tensors.get("best"))
        self.stale, self.skipped = values["stale"], values["skipped"]
        self._since_validation = list(values["since_validation"])
        self.history = History([HistoryRow(*row) for row in values["history"]])
        self.step = state.step


def to_tensors(arrays: Arrays) -> dict[str, Tensor]:
    """A copy of arrays as tensors, bit for bit."""
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric where it is a number; NaN where it never is."""
    means = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        numbers = [row[name] for row in rows if name in row and math.isfinite(row[name])]
        means[name] = math.fsum(numbers) / len(numbers) if numbers else math.nan
    return means
