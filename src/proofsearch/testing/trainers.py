"""What holds for a trainer; see :class:`proofsearch.protocols.Trainer`."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from numbers import Real
from pathlib import Path
from typing import Unpack, cast

from proofsearch.checkpoint import MANIFEST, SETTINGS, read_manifest
from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError, ProofsearchError
from proofsearch.protocols import KINDS, Builder, ChecksOptions, Factory, TrainingReport, TrainingRequest
from proofsearch.testing.cases import CONFIG_CHECKS
from proofsearch.testing.checking import CheckOptions, check, temporary_folder
from proofsearch.testing.checks import (
    Checks,
    NotApplicable,
    Report,
    Violation,
    brief,
    expect,
)
from proofsearch.testing.training_case import SETTINGS_TEXT, Trained, TrainerCase, Use, WithoutTest

TRAINER_CHECKS: Checks[TrainerCase] = Checks("trainer", CONFIG_CHECKS)
"""What is checked of a trainer."""


@TRAINER_CHECKS.add
def looks_at_its_options_beforehand(case: TrainerCase) -> None:
    """Asked beforehand, it accepts the options that it trains with, and writes nothing."""
    trainer, out = case.make(), case.folder / "beforehand"
    if not isinstance(trainer, ChecksOptions):
        raise NotApplicable("it has no method check")
    reports: list[TrainingReport] = []
    trainer.check(TrainingRequest((), out, 5, report=reports.append))
    expect(not out.exists(), "it made the folder that it was only asked about")
    expect(not reports, "it reported something, as if it trained")
    trained = case.reference()
    before = trained.hashes()
    again = case.make()
    assert isinstance(again, ChecksOptions)
    again.check(TrainingRequest((), trained.out, 5, resume=True))
    expect(trained.hashes() == before, "asked about a training that is done, it changed the folder")


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
    expect(file.is_file() and file.read_text() == SETTINGS_TEXT, f"{SETTINGS} was changed or deleted")
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


def check_trainer(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    trajectories: Sequence[Path] | None = None,
    use: Use | None = None,
    tolerance: float = 1e-4,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a trainer against its contract. It is trained some times, so give it options that make that short.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        trajectories: run folders or trajectory files with theorems of all splits; default: searches of the builder's
            environment, which then has to demonstrate proofs.
        use: called with the checkpoint and its manifest: reads it with the component that it is for. May return a note.
        tolerance: how far losses may differ that should be equal, absolutely and as a share.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of a trainer that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> TrainerCase:
        return TrainerCase(factory, config, builder, temporary_folder(opened), trajectories, use, tolerance)

    return check(TRAINER_CHECKS, make_case, factory, options)
