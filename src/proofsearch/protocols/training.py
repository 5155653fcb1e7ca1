"""The contracts of training: trainers, and the losses that they look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


class Loss(Protocol):
    """A training loss over sibling groups. Tensors are ``Any`` because the core imports no torch."""

    def __call__(self, energies: Any, batch: Any) -> Any:
        """The scalar loss of ``energies`` (shape ``(groups, members)``, lower is better) for the trainer's batch."""


@dataclass(frozen=True, slots=True)
class LossCase:
    """A batch to try a loss on. Tensors are ``Any`` because the core imports no torch.

    Attributes:
        energies: float, shape ``(groups, members)``, without a gradient; finite also where no member is.
        batch: what a loss of this trainer is called with beside the energies.
        mask: bool, the same shape; which members are there.
        positive: bool, the same shape; which of them should get a low energy.
        teaches: whether any group has something to learn from; where none has, a loss is 0.
    """

    energies: Any
    batch: Any
    mask: Any
    positive: Any
    teaches: bool = True


@runtime_checkable
class TriesLosses(Protocol):
    """A trainer whose losses are plugins, and that says what batches they can be tried on."""

    def loss_cases(self) -> Sequence[LossCase]:
        """Small batches of every shape that a training has: padded, without contrast, with several positives."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """How far a training is.

    Attributes:
        step: optimisation steps done; 0 as long as this session of the training has made none.
        steps: how many there will be at most.
        metrics: what was measured, by name: ``loss``, ``gap``, ``rank``, …; finite or ``nan``.
        messages: what a person should know, a sentence each: health warnings, what was left out of the data.
    """

    step: int
    steps: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    messages: Sequence[str] = ()


OnReport = Callable[[TrainingReport], None]


def ignore_report(report: TrainingReport) -> None:
    """Tells nobody; the default of :attr:`TrainingRequest.report`."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a trainer is asked for.

    Attributes:
        trajectories: run folders or trajectory files to learn from.
        out: the checkpoint folder to write. It may be there already and hold ``train.toml``, which isn't the trainer's.
        seed: of everything random; from 0 to 4,294,967,295.
        resume: resume what ``out`` already holds: from the start where nothing was saved, and where the training
            is done, return at once.
        report: to be called as the training goes, in its thread; cheap, so also every step.
    """

    trajectories: Sequence[Path]
    out: Path
    seed: int = 0
    resume: bool = False
    report: OnReport = ignore_report


class Trainer(Protocol):
    """Turns trajectories or demonstrations into a checkpoint."""

    def train(self, request: TrainingRequest) -> Path:
        """Trains and returns the checkpoint folder, which holds a manifest (:mod:`proofsearch.checkpoint`).

        On Ctrl-C it saves what it has, so that ``resume`` continues there, and raises ``KeyboardInterrupt`` again.
        Theorems of the split ``test`` are not learnt from, whatever the trajectories hold.

        Raises:
            InputError: trajectories that can't be learnt from, or a checkpoint that can't be resumed.
            StorageError: the checkpoint can't be written; an earlier one stays whole.
        """


@runtime_checkable
class ChecksOptions(Protocol):
    """A trainer that says beforehand whether it would refuse its options.

    Searches to learn from take minutes to hours, so it is asked before any is recorded, and by ``proofsearch iterate``
    before the first round.
    """

    def check(self, request: TrainingRequest) -> None:
        """Refuses what :meth:`Trainer.train` would refuse without a look at what it learns from.

        That is what can be wrong by itself: a file that isn't there, a device that this machine lacks, names that
        nobody knows, options that don't go together or with a checkpoint to begin with, and with ``resume`` others than
        the training was begun with. It writes nothing and reports nothing. Seconds are fine.

        Args:
            request: as for ``train``, except that ``trajectories`` are those that a person named, none where they will
                be recorded, and that ``out`` need not be there.

        Raises:
            ProofsearchError: as ``train``.
        """
