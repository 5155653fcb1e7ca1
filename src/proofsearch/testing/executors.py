"""What holds for an executor; see :class:`proofsearch.protocols.Executor`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Unpack, cast

from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError, ProofsearchError, UsageError
from proofsearch.protocols import Builder, Executor, Factory, Job, JobResult, RelaysProgress
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase, add_closing_check
from proofsearch.testing.checking import CheckOptions, check, temporary_folder
from proofsearch.testing.checks import (
    Checks,
    NotApplicable,
    Report,
    Violation,
    expect,
)
from proofsearch.testing.processes import children, ended
from proofsearch.testing.workers import PATIENCE, CheckRecipe, place, refusing_recipe
from proofsearch.types import Theorem

_MEMORY = 400
"""Megabytes that a worker may use in the check of the bound, enough for Python with its libraries."""

_GROWTH = 900
"""Megabytes that its job takes."""

FAILURES = ("crashed", "timed out", "out of memory", "error")
"""What a job's failure can be."""


class OtherExecution:
    """A builder that says otherwise how a run is spread over workers."""

    def __init__(self, builder: Builder, **changes: Any) -> None:
        self._builder = builder
        self.execution = builder.execution.model_copy(update=changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builder, name)


class ExecutorCase(ComponentCase[Executor]):
    """An executor under check.

    Args:
        factory: as it is registered.
        config: its options.
        builder: what the factory may ask.
        folder: where its workers leave files; they have to reach it under this path.
        timeout: seconds after which a job that hangs is to be stopped.
    """

    def __init__(
        self, factory: Factory, config: ComponentConfig | None, builder: Builder, folder: Path, timeout: float
    ) -> None:
        super().__init__(factory, config, builder)
        self._folder = folder
        self._runs = 0
        self._apart: bool | None = None
        self.timeout = timeout

    @contextmanager
    def executor(self, **changes: Any) -> Iterator[Executor]:
        """An executor of two workers, unless told otherwise; closed at the end."""
        builder = cast(Builder, OtherExecution(self.builder, **({"workers": 2, "timeout": None} | changes)))
        with closing(self.make(builder=builder)) as executor:
            yield executor

    @contextmanager
    def recipe(self) -> Iterator[CheckRecipe]:
        """What makes the workers of a run, with a folder of its own; lets go of jobs that hang at the end."""
        self._runs += 1
        folder = self._folder / str(self._runs)
        folder.mkdir()
        # An executor that doesn't stop them would wait for them for ever.
        release = threading.Timer(self.timeout + PATIENCE / 4, (folder / "release").touch)
        release.start()
        try:
            yield CheckRecipe(folder, place())
        finally:
            release.cancel()
            (folder / "release").touch()

    def run(self, *keys: str, **changes: Any) -> dict[str, JobResult]:
        """Runs jobs to the end and returns their results by key.

        Raises:
            NotApplicable: a job is reported twice or never; another check says so.
        """
        with self.executor(**changes) as executor, self.recipe() as recipe:
            results = list(executor.run(recipe, jobs(*keys)))
        found = {result.job.key: result for result in results}
        if len(results) != len(keys) or set(found) != set(keys):
            raise NotApplicable("a job is reported twice or never: see 'each job reported once'")
        return found

    def need_processes(self) -> None:
        """Says that a check ends or stops a worker from outside.

        Raises:
            NotApplicable: workers are in this process, so that would be its end too.
        """
        if self._apart is None:
            self._apart = self.run("place:")["place:"].payload != place()
        if not self._apart:
            raise NotApplicable("its workers run in this process, where none can die alone or be stopped")


def jobs(*keys: str) -> list[Job]:
    """Jobs with these keys."""
    return [Job(key, Theorem(key, "")) for key in keys]


EXECUTOR_CHECKS: Checks[ExecutorCase] = Checks("executor", CONFIG_CHECKS)
"""What is checked of an executor."""

_OTHERS = ("say:a", "say:b", "say:c")


def _only(case: ExecutorCase, bad: str, results: dict[str, JobResult]) -> JobResult:
    """The result of the job that went wrong, when the others are as they should be."""
    for key in _OTHERS:
        result = results[key]
        expect(
            result.failure == "" and result.payload == key[4:],
            f"beside the job {bad!r}, {key!r} ended with {result.failure or result.payload!r}: {result.message}",
        )
    failed = results[bad]
    expect(failed.failure in FAILURES, f"{bad!r}: its failure is {failed.failure!r}, expected one of {FAILURES}")
    expect(failed.payload is None, f"{bad!r} failed, and its payload is {failed.payload!r}")
    return failed


@EXECUTOR_CHECKS.add
def each_job_reported_once(case: ExecutorCase) -> str:
    """Each job is reported once, with what its worker returned, in whatever order."""
    keys = [f"say:{number}" for number in range(9)]
    with case.executor() as executor, case.recipe() as recipe:
        results = list(executor.run(recipe, jobs(*keys)))
    found = sorted(result.job.key for result in results)
    expect(found == sorted(keys), f"of the jobs {', '.join(keys)} it reported {', '.join(found) or 'none'}")
    for result in results:
        expect(
            result.payload == result.job.key[4:] and not result.failure,
            f"{result.job.key!r} ended with {result.failure or result.payload!r}: {result.message}",
        )
        expect(result.job.attempt == 1, f"{result.job.key!r} was reported as attempt {result.job.attempt}")
    return "in processes of their own" if case.run("place:")["place:"].payload != place() else "in this process"


@EXECUTOR_CHECKS.add
def no_jobs(case: ExecutorCase) -> None:
    """Without jobs there are no results, and nothing waits."""
    with case.executor() as executor, case.recipe() as recipe:
        found = list(executor.run(recipe, iter(())))
    expect(not found, f"found {len(found)} results of no jobs")


@EXECUTOR_CHECKS.add
def as_many_at_once_as_workers(case: ExecutorCase) -> None:
    """Two workers do two jobs at the same time."""
    found = case.run("meet:a-b", "meet:b-a")
    waited = [result.job.key for result in found.values() if result.payload != "met"]
    expect(not waited, "two jobs that wait for each other did not run at the same time, with two workers")


@EXECUTOR_CHECKS.add
def an_exception_costs_its_own_job(case: ExecutorCase) -> None:
    """A job that raises is reported as an error that says what was raised, and the others are done."""
    result = _only(case, "raise:x", case.run("raise:x", *_OTHERS))
    expect(result.failure == "error", f"its failure is {result.failure!r}, expected 'error'")
    expect("raised on request" in result.message, f"the message doesn't say what was raised: {result.message!r}")


@EXECUTOR_CHECKS.add
def odd_payloads(case: ExecutorCase) -> None:
    """What can't be pickled is an error of its job, where results come from another process."""
    case.need_processes()
    _only(case, "odd:", case.run("odd:", *_OTHERS))


@EXECUTOR_CHECKS.add
def a_crash_costs_its_own_job(case: ExecutorCase) -> None:
    """A worker that dies costs only the job that it was at."""
    case.need_processes()
    result = _only(case, "exit:", case.run("exit:", *_OTHERS))
    expect(result.failure == "crashed", f"its failure is {result.failure!r}, expected 'crashed'")


@EXECUTOR_CHECKS.add
def crashed_jobs_are_tried_again(case: ExecutorCase) -> None:
    """A job whose worker died is tried as often as ``--attempts`` says, and reported with that attempt."""
    case.need_processes()
    found = case.run("exit_once:", "exit:", attempts=2)
    again, never = found["exit_once:"], found["exit:"]
    expect(
        again.payload == "survived" and again.job.attempt == 2,
        f"a job that is done at the second attempt ended with {again.failure or again.payload!r} at attempt "
        f"{again.job.attempt}",
    )
    expect(never.job.attempt == 2, f"with 2 attempts, a job that never works was reported at {never.job.attempt}")


@EXECUTOR_CHECKS.add
def a_hang_costs_its_own_job(case: ExecutorCase) -> None:
    """A job that runs past ``--timeout`` is reported as timed out, and the others are done."""
    result = _only(case, "hang:", case.run("hang:", *_OTHERS, timeout=case.timeout))
    expect(result.failure == "timed out", f"its failure is {result.failure!r}, expected 'timed out'")


@EXECUTOR_CHECKS.add
def memory_bound_kept_or_refused(case: ExecutorCase) -> str:
    """A worker that grows past ``--memory`` costs only its own job; an executor that can't enforce that refuses it."""
    try:
        case.need_processes()
        found = case.run(f"grow:{_GROWTH}", *_OTHERS, memory=_MEMORY, attempts=1)
    except UsageError as error:
        return f"refused: {error}"
    except NotApplicable:
        try:
            with case.executor(memory=_MEMORY):
                pass
        except UsageError as error:
            return f"refused: {error}"
        raise Violation("its workers run in this process, and it takes a bound on their memory all the same") from None
    result = _only(case, f"grow:{_GROWTH}", found)
    expect(result.failure == "out of memory", f"its failure is {result.failure!r}, expected 'out of memory'")
    return ""


@EXECUTOR_CHECKS.add
def a_worker_that_cannot_start(case: ExecutorCase) -> None:
    """If no worker can be made, the run ends with the error that the factory raised."""
    with case.executor() as executor:
        try:
            results = list(executor.run(refusing_recipe, jobs(*_OTHERS)))
        except ProofsearchError as error:
            expect("no such file" in str(error), f"the error doesn't say what the factory raised: {error}")
            expect(isinstance(error, InputError), f"an InputError became a {type(error).__name__}")
            return
    ends = sorted({result.failure for result in results})
    raise Violation(f"it went on and reported {len(results)} jobs as {', '.join(map(repr, ends))}")


@EXECUTOR_CHECKS.add
def workers_are_closed(case: ExecutorCase) -> str:
    """At the end of a run every worker was closed."""
    with case.recipe() as recipe:
        with case.executor() as executor:
            list(executor.run(recipe, jobs(*_OTHERS)))
        made, closed = (len(list(recipe.folder.glob(f"{what}-*"))) for what in ("made", "closed"))
    expect(made == closed, f"{made} workers were made and {closed} closed")
    return f"{made} workers"


@EXECUTOR_CHECKS.add
def progress_is_passed_on(case: ExecutorCase) -> str:
    """If it passes on progress, what a worker tells at a job comes with that job, in order and before its result."""
    keys = ["tell:a", "tell:b", "say:c"]
    heard: dict[str, list[Any]] = {key: [] for key in keys}
    with case.executor() as executor, case.recipe() as recipe:
        if not isinstance(executor, RelaysProgress):
            raise NotApplicable("it passes on nothing of what workers tell, and need not")
        executor.relay_progress_to(lambda job, told: heard[job.key].append(told))
        for result in executor.run(recipe, jobs(*keys)):
            heard[result.job.key].append(result.payload)
    told = 0
    for key, found in heard.items():
        kind, _, argument = key.partition(":")
        telling = [f"{argument} {number}" for number in (1, 2)] if kind == "tell" else []
        # It may get lost, but not on a machine where nothing goes wrong.
        expect(found == [*telling, argument], f"of {key!r} there came {found}, expected {[*telling, argument]}")
        told += len(telling)
    return f"{told} times"


@EXECUTOR_CHECKS.add
def cancellation(case: ExecutorCase) -> None:
    """Closed during a run or stopped by Ctrl-C, it ends soon and leaves no process behind."""
    for what, stop in (("closed", _close), ("interrupted", _interrupt)):
        before = set(children())
        with case.recipe() as recipe, case.executor() as executor:
            results = iter(executor.run(recipe, jobs("say:a", "hang:x")))
            next(results)
            _wait_for(recipe.folder / "hangs-x")
            began = time.monotonic()
            stop(executor, results)
            seconds = time.monotonic() - began
            left = ended([process for process in children() if process not in before])
        expect(seconds < 30, f"{what} with a job under way, it took {seconds:.0f} s to end")
        expect(not left, f"{what} with a job under way, it left processes running: {', '.join(map(str, left))}")


def _close(executor: Executor, results: Iterator[JobResult]) -> None:
    executor.close()


def _interrupt(executor: Executor, results: Iterator[JobResult]) -> None:
    """What Ctrl-C does to whoever waits for results."""
    throw: Callable[[BaseException], object] | None = getattr(results, "throw", None)
    if throw is not None:
        try:
            throw(KeyboardInterrupt())
        except KeyboardInterrupt:
            pass
        except StopIteration:
            raise Violation("Ctrl-C ended the results as if there were no more; it must come out") from None
        else:
            raise Violation("it went on after Ctrl-C")
    executor.close()


def _wait_for(file: Path) -> None:
    end = time.monotonic() + 30
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.02)


add_closing_check(EXECUTOR_CHECKS)


def check_executor(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    folder: Path | None = None,
    timeout: float = 2.0,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks an executor against its contract: what a misbehaving job may cost, and what is left behind.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        folder: an empty folder that its workers reach under the same path; default: a temporary one.
        timeout: seconds given to a job that hangs; more where starting a job takes long.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of an executor that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> ExecutorCase:
        return ExecutorCase(factory, config, builder, folder or temporary_folder(opened), timeout)

    return check(EXECUTOR_CHECKS, make_case, factory, options)
