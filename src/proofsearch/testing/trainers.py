"""What holds for a trainer; see :class:`proofsearch.protocols.Trainer`."""

from __future__ import annotations

import hashlib
import math
import signal
import tempfile
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any, cast

from proofsearch.checkpoint import MANIFEST, SETTINGS, Manifest, read_manifest
from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError, ProofsearchError
from proofsearch.protocols import Environment, Trainer, TrainingReport, TrainingRequest
from proofsearch.registry import KINDS, Builder, Factory
from proofsearch.testing.builder import SampleBuilder
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase
from proofsearch.testing.checks import (
    Checks,
    NotApplicable,
    OnResult,
    Report,
    Violation,
    brief,
    expect,
    make_checks,
    spread,
    untold,
)
from proofsearch.testing.recordings import record
from proofsearch.trajectory.reader import read_tables, trajectory_files
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

_RECORDED = 60
"""Theorems that are recorded at most."""

_SETTINGS_TEXT = "# not the trainer's\n"

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
    """A trainer under check. The arguments are those of :func:`check_trainer`; ``folder`` is empty."""

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
            trained: a training to go on with; default: a new one.
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
            (trained.out / SETTINGS).write_text(_SETTINGS_TEXT)
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
        """The first training.

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
        """A second training with the same request, but for being asked to go on from an empty folder."""
        return self.train(resume=True)

    def again(self) -> Trained:
        """The second training.

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


TRAINER_CHECKS: Checks[TrainerCase] = Checks("trainer", CONFIG_CHECKS)
"""What is checked of a trainer."""


@TRAINER_CHECKS.add
def a_whole_checkpoint(case: TrainerCase) -> str:
    """It returns the folder that was asked for, with a manifest that says what reads it and whose files are there."""
    trained = case.first
    expect(
        trained.returned is not None and Path(trained.returned).resolve() == trained.out.resolve(),
        f"it returned {trained.returned!r}, expected the folder that was asked for",
    )
    try:
        manifest = read_manifest(trained.out)
    except InputError as error:
        raise Violation(f"the checkpoint can't be read: {error}") from None
    expect(manifest.kind in KINDS, f"the manifest's kind is {manifest.kind!r}, expected one of {', '.join(KINDS)}")
    expect(manifest.name, "the manifest doesn't name the component that reads it")
    expect(manifest.files, "the manifest lists no file")
    return f"of the {manifest.kind} {manifest.name!r}, {len(manifest.files)} files"


@TRAINER_CHECKS.add
def the_checkpoint_can_be_used(case: TrainerCase) -> str:
    """The component that the manifest names reads the checkpoint and works with it."""
    trained = case.reference()
    if case.use is None:
        raise NotApplicable("what reads the checkpoint was not given")
    found = case.use(trained.out, case.manifest())
    return "" if found is None else str(found)


@TRAINER_CHECKS.add
def leaves_the_settings_alone(case: TrainerCase) -> None:
    """``train.toml`` in the folder stays as it is and is no part of the checkpoint."""
    trained = case.reference()
    file = trained.out / SETTINGS
    expect(file.is_file() and file.read_text() == _SETTINGS_TEXT, f"{SETTINGS} was changed or deleted")
    expect(SETTINGS not in case.manifest().files, f"the manifest lists {SETTINGS}, which may change")


@TRAINER_CHECKS.add
def reports_its_progress(case: TrainerCase) -> str:
    """It reports steps that never fall and end at the last at most, numbers as metrics and texts as messages."""
    reports = case.reference().reports
    expect(reports, "it reported nothing")
    before = 0
    for report in reports:
        expect(
            before <= report.step <= report.steps,
            f"it reported step {report.step} of {report.steps} after step {before}",
        )
        before = report.step
        for name, value in report.metrics.items():
            number = isinstance(value, Real) and not math.isinf(value)
            expect(number, f"the metric {name!r} is {value!r}, expected a finite number or nan")
        expect(
            all(isinstance(message, str) for message in report.messages) and not isinstance(report.messages, str),
            f"messages are {brief(report.messages)}, expected texts, one a sentence",
        )
    expect(before > 0, "no report is of a step after step 0")
    return f"{len(reports)} reports, {before} steps"


@TRAINER_CHECKS.add
def resumes_from_nothing(case: TrainerCase) -> None:
    """Asked to resume where nothing was saved, it begins at the start."""
    case.reference()
    trained = case.second
    expect(trained.returned is not None, "it returned nothing")
    expect((trained.out / MANIFEST).is_file(), "it left no manifest")


@TRAINER_CHECKS.add
def same_seed_same_training(case: TrainerCase) -> str:
    """The same request leads to the same losses."""
    first = case.reference()
    found = case.differs(first, case.again())
    expect(not found, f"trained twice, {found}")
    return f"compared: {', '.join(first.losses())}"


@TRAINER_CHECKS.add
def a_finished_training_is_left_alone(case: TrainerCase) -> None:
    """Asked to resume what is done, it returns at once and changes nothing."""
    trained = case.reference()
    before, steps = trained.hashes(), max(report.step for report in trained.reports) if trained.reports else 0
    again = Trained(trained.out)
    case.train(again, resume=True)
    retrained = [report.step for report in again.reports if 0 < report.step < steps]
    expect(not retrained, f"it trained again, from step {retrained[:1]}")
    changed = {name for name, digest in again.hashes().items() if before.get(name) != digest}
    expect(not changed, f"it changed {', '.join(sorted(changed))}")


@TRAINER_CHECKS.add
def cancellation(case: TrainerCase) -> str:
    """On Ctrl-C it saves what it has and ends, and it resumes from there."""
    return _stopped_and_resumed(case)


@TRAINER_CHECKS.add
def resumed_is_uninterrupted(case: TrainerCase) -> None:
    """Stopped and resumed, it ends with the losses of a training that was not stopped."""
    first = case.reference()
    if case.resumed is None:
        try:
            _stopped_and_resumed(case)
        # Whatever it raises is what 'cancellation' has found.
        except Exception:
            raise NotApplicable("it can't be stopped and resumed: see 'cancellation'") from None
    assert case.resumed is not None
    if case.differs(first, case.again()):
        raise NotApplicable("two trainings alike differ: see 'same seed same training'")
    found = case.differs(first, case.resumed)
    expect(not found, f"resumed, and not stopped: {found}")


def _stopped_and_resumed(case: TrainerCase) -> str:
    if threading.current_thread() is not threading.main_thread():
        raise NotApplicable("Ctrl-C reaches the main thread only, and this is another")
    steps = sorted({report.step for report in case.reference().reports if report.step > 0})
    between = steps[:-1]
    if not between:
        raise NotApplicable("it reports no step before the last at which it could be stopped; train for longer")
    stop = between[len(between) // 2]
    trained = Trained(case.folder / "interrupted")
    trained.out.mkdir()
    try:
        case.train(trained, interrupt_at=stop)
    except KeyboardInterrupt:
        stopped = trained.reports[-1].step
    else:
        raise Violation(f"it went on after Ctrl-C at step {stop}")
    expect(stopped < steps[-1], f"after Ctrl-C at step {stop} it went on to the last, {steps[-1]}")
    expect(not (trained.out / MANIFEST).exists(), "interrupted, it left a manifest, as if it were done")
    case.train(trained, resume=True)
    begun = min((report.step for report in trained.reports if report.step > 0), default=0)
    expect(begun >= stop, f"stopped at step {stop}, it was resumed from step {begun}")
    expect((trained.out / MANIFEST).is_file(), "resumed, it left no manifest")
    case.resumed = trained
    return f"stopped at step {stop} of {steps[-1]}"


@TRAINER_CHECKS.add
def learns_nothing_from_the_test_split(case: TrainerCase) -> str:
    """What theorems of the split ``test`` hold makes no difference to what it learns."""
    first = case.reference()
    if case.differs(first, case.again()):
        raise NotApplicable("two trainings alike differ: see 'same seed same training'")
    if case.reads_trajectories:
        other = case.train(trajectories=[*case.trajectories, case.of_test])
    else:
        hidden = cast(Builder, WithoutTest(case.builder))
        other = case.train(trainer=case.make(builder=hidden))
    found = case.differs(first, other)
    expect(not found, f"with and without theorems of the split test, {found}")
    return ""


@TRAINER_CHECKS.add
def refuses_what_teaches_nothing(case: TrainerCase) -> None:
    """A missing file, and searches of the split ``test`` alone, are errors for people."""
    if not case.reads_trajectories:
        raise NotApplicable("it reads no recorded searches")
    for what, trajectories in (
        ("a file that is missing", [case.folder / "missing.parquet"]),
        ("searches of the split test alone", [case.of_test]),
        ("no searches", []),
    ):
        try:
            case.train(trajectories=trajectories)
        except ProofsearchError:
            continue
        raise Violation(f"given {what}, it trained; expected an InputError")


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


def check_trainer(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    builder: Builder | None = None,
    trajectories: Sequence[Path] | None = None,
    use: Use | None = None,
    tolerance: float = 1e-4,
    name: str = "",
    only: Collection[str] = (),
    skip: Collection[str] = (),
    on_result: OnResult = untold,
) -> Report:
    """Checks a trainer against its contract. It is trained some times, so give it options that make that short.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        builder: what the factory may ask; default: a :class:`~proofsearch.testing.builder.SampleBuilder`.
        trajectories: run folders or trajectory files with theorems of all splits; default: searches of the builder's
            environment, which then has to demonstrate proofs.
        use: called with the checkpoint and its manifest: reads it with the component that it is for. May return a note.
        tolerance: how far losses may differ that should be equal, absolutely and as a share.
        name: of the trainer, for the report; default: that of the factory.
        only: names of the checks to make; default: all.
        skip: names of checks to leave out.
        on_result: told of each result as it comes.

    Returns:
        The report, of a trainer that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    with ExitStack() as opened:
        builder = builder or opened.enter_context(SampleBuilder())
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="proofsearch-")))
        case = TrainerCase(factory, config, builder, folder, trajectories, use, tolerance)
        opened.enter_context(closing(case)).open()
        name = name or getattr(factory, "__name__", "trainer")
        return make_checks(name, TRAINER_CHECKS, case, only=only, skip=skip, on_result=on_result, renew=case.close)
