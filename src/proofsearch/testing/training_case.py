"""A trainer under check, and the trainings that its checks look at."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from proofsearch.checkpoint import SETTINGS, Manifest, read_manifest
from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError
from proofsearch.protocols import Builder, Environment, Factory, Trainer, TrainingReport, TrainingRequest
from proofsearch.testing.cases import ComponentCase
from proofsearch.testing.checks import (
    NotApplicable,
    spread,
)
from proofsearch.testing.recordings import record
from proofsearch.trajectory.files import trajectory_files
from proofsearch.trajectory.reader import read_tables
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

_RECORDED = 60
"""Theorems that are recorded at most."""

SETTINGS_TEXT = "# not the trainer's\n"

Use = Callable[[Path, Manifest], object]
"""Reads a checkpoint with the component that it is for, and uses that."""


@dataclass(slots=True)
class Trained:
    """A training that was made.

    Attributes:
        out: the checkpoint folder that was asked for.
        returned: what ``train`` returned; ``None`` where it was interrupted.
        reports: what it told.
    """

    out: Path
    returned: Path | None = None
    reports: list[TrainingReport] = field(default_factory=list)

    def losses(self) -> dict[str, float]:
        """The losses of the last report, by name. How often a trainer reports may depend on the time; this doesn't."""
        last = self.reports[-1].metrics if self.reports else {}
        return {name: float(value) for name, value in last.items() if "loss" in name}

    def hashes(self) -> dict[str, str]:
        """The files in the folder with their hashes."""
        return {
            path.relative_to(self.out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }


class TrainerCase(ComponentCase[Trainer]):
    """A trainer under check; its arguments are those of :func:`~proofsearch.testing.check_trainer`."""

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        folder: Path,
        trajectories: Sequence[Path] | None,
        use: Use | None,
        tolerance: float,
    ) -> None:
        super().__init__(factory, config, builder)
        self.use = use
        self.tolerance = tolerance
        self.folder = folder
        self.resumed: Trained | None = None
        self._given = trajectories
        self._trainings = 0

    def begin(self, component: Trainer) -> None:
        """Records what is learnt from, where nothing was given."""
        len(self.trajectories)

    @property
    def reads_trajectories(self) -> bool:
        """Whether it learns from recorded searches, as its options say."""
        return bool(getattr(self.config, "needs_trajectories", True))

    @cached_property
    def trajectories(self) -> Sequence[Path]:
        """What it learns from, without theorems of the split ``test``."""
        if not self.reads_trajectories:
            return ()
        return [self._part("learnt", lambda split: split != "test")]

    @cached_property
    def of_test(self) -> Path:
        """Searches of theorems of the split ``test``, which it must not learn from."""
        return self._part("of-test", lambda split: split == "test")

    def _part(self, name: str, wanted: Callable[[str], bool]) -> Path:
        """The searches of some splits, in a file of their own."""
        path = self.folder / f"{name}.parquet"
        if self._given is None:
            environment = self.builder.environment()
            theorems = [theorem for theorem in environment.theorems() if wanted(theorem.split)]
            return record(environment, spread(theorems, _RECORDED), path)
        files = [file for place in self._given for file in trajectory_files(place)]
        tables = (table for file in files for table in read_tables(file))
        write_file(path, (table for table in tables if wanted(table.column("split")[0].as_py())))
        return path

    def train(
        self,
        trained: Trained | None = None,
        *,
        trajectories: Sequence[Path] | None = None,
        resume: bool = False,
        interrupt_at: int | None = None,
        trainer: Trainer | None = None,
    ) -> Trained:
        """Trains.

        Args:
            trained: a training to resume; default: a new one.
            trajectories: what to learn from; default: :attr:`trajectories`.
            resume: as in the request.
            interrupt_at: press Ctrl-C at the first report of this step or a later one.
            trainer: default: a fresh one.

        Raises:
            KeyboardInterrupt: it was interrupted, as wanted.
        """
        if trained is None:
            self._trainings += 1
            trained = Trained(self.folder / f"training-{self._trainings}")
            trained.out.mkdir()
            (trained.out / SETTINGS).write_text(SETTINGS_TEXT)
        trained.returned, trained.reports = None, []

        def tell(report: TrainingReport) -> None:
            first = interrupt_at is not None and all(before.step < interrupt_at for before in trained.reports)
            trained.reports.append(report)
            if first and interrupt_at is not None and report.step >= interrupt_at:
                signal.raise_signal(signal.SIGINT)

        request = TrainingRequest(
            self.trajectories if trajectories is None else trajectories, trained.out, 5, resume, tell
        )
        trained.returned = (trainer or self.make()).train(request)
        return trained

    @cached_property
    def first(self) -> Trained:
        """A whole training."""
        return self.train()

    def reference(self) -> Trained:
        """Returns the first whole training.

        Raises:
            NotApplicable: it does not come to an end; another check says so.
        """
        try:
            return self.first
        # Whatever it raises is what 'a whole checkpoint' has found.
        except Exception:
            raise NotApplicable("it does not train: see 'a whole checkpoint'") from None

    @cached_property
    def second(self) -> Trained:
        """A second training with the same request, but asked to resume from an empty folder."""
        return self.train(resume=True)

    def again(self) -> Trained:
        """Returns the second training, which equals the first.

        Raises:
            NotApplicable: it does not come to an end; another check says so.
        """
        try:
            return self.second
        # As above.
        except Exception:
            raise NotApplicable("it does not train a second time: see 'resumes from nothing'") from None

    def manifest(self) -> Manifest:
        """The first training's manifest.

        Raises:
            NotApplicable: it can't be read; another check says so.
        """
        trained = self.reference()
        try:
            return read_manifest(trained.out)
        except InputError:
            raise NotApplicable("the checkpoint can't be read: see 'a whole checkpoint'") from None

    def differs(self, one: Trained, other: Trained) -> str:
        """How the losses of two trainings differ that should be equal; ``""`` where they don't."""
        losses, others = one.losses(), other.losses()
        if not losses:
            raise NotApplicable("it reports no loss, so trainings can't be compared")
        if losses.keys() != others.keys():
            return f"the losses at the end are {', '.join(losses)}, and {', '.join(others)}"
        for name, loss in losses.items():
            again = others[name]
            same = loss == again or (loss != loss and again != again)
            if not (same or abs(loss - again) <= self.tolerance * max(1.0, abs(loss))):
                return f"{name} at the end is {loss:.6g}, and {again:.6g}"
        return ""


class WithoutTest:
    """A builder whose environment has no theorems of the split ``test``."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def environment(self) -> Environment:
        """The environment, as if these were not there."""
        return cast(Environment, _Trained(self._builder.environment()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)


class _Trained:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    # A trainer for one prover alone asks for its class.
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return self._environment.__class__

    def theorems(self) -> list[Theorem]:
        return [theorem for theorem in self._environment.theorems() if theorem.split != "test"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)
