"""The frame of every conformance check: small functions with a name and a rule, and the report on a component.

A check is a function over a *case*, the component with what it is tried on. Its name is the function's and its rule the
first line of the docstring. It returns, perhaps with a note, where the rule holds, and raises :class:`Violation` where
it doesn't; whatever else it raises is the component's and counts as a violation too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from proofsearch.errors import ProofsearchError, UsageError, near, one_line
from proofsearch.guards import interrupts

Case = TypeVar("Case")
Run = Callable[[Case], str | None]
"""What a check does; returns what is worth knowing, if anything."""


class Violation(Exception):  # noqa: N818 - it is no error of the program, and reads so where it is raised
    """The component doesn't do what its contract says; the message says what was found."""


class NotApplicable(Exception):  # noqa: N818 - as above
    """The check can't be made of this component; the message says why."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Case]):
    """One check.

    Attributes:
        name: what it is called, unique in its kind.
        rule: what must hold, in a sentence.
        run: looks whether it does.
    """

    name: str
    rule: str
    run: Run[Case]


class Checks(Generic[Case]):
    """The checks of one kind of component, in the order in which they are made.

    Args:
        kind: one of :data:`proofsearch.protocols.KINDS`.
        included: checks that come first.
    """

    def __init__(self, kind: str, *included: Checks[Any]) -> None:
        self.kind = kind
        self._checks: list[Check[Case]] = [check for checks in included for check in checks]

    def add(self, function: Run[Case]) -> Run[Case]:
        """Adds a function as a check; a decorator."""
        name = function.__name__.replace("_", " ")
        rule = " ".join((function.__doc__ or "").split("\n\n")[0].replace("``", "").split())
        if not rule or name in self.names:
            raise ValueError(f"the check {name!r} has no docstring, or there is another of that name")
        self._checks.append(Check(name, rule, function))
        return function

    @property
    def names(self) -> list[str]:
        """The names of the checks."""
        return [check.name for check in self._checks]

    def __iter__(self) -> Iterator[Check[Case]]:
        return iter(self._checks)

    def chosen(self, only: Collection[str], skip: Collection[str]) -> list[Check[Case]]:
        """The checks that are wanted.

        Args:
            only: names; empty for all.
            skip: names of those that are left out.

        Raises:
            UsageError: there is no check of such a name.
        """
        for name in [*only, *skip]:
            if name not in self.names:
                raise UsageError(
                    f"no check of a {self.kind} is called {name!r}; there are: {', '.join(self.names)}"
                    f"{near(name, self.names)}"
                )
        return [check for check in self._checks if (not only or check.name in only) and check.name not in skip]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of a check.

    Attributes:
        name: of the check.
        rule: what must hold.
        outcome: whether it does; skipped where that can't be said of this component.
        message: what was found, or why it was skipped; may be empty where it passed.
        seconds: how long it took.
    """

    name: str
    rule: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about a component.

    Attributes:
        kind: one of :data:`proofsearch.protocols.KINDS`.
        name: of the component, for people.
        results: one a check, in order.
    """

    kind: str
    name: str
    results: tuple[CheckResult, ...]

    def names(self, outcome: str) -> list[str]:
        """The checks that came out so."""
        return [result.name for result in self.results if result.outcome == outcome]

    @property
    def conforms(self) -> bool:
        """Whether no check failed."""
        return not self.names("failed")

    def __str__(self) -> str:
        failed = [result for result in self.results if result.outcome == "failed"]
        if not failed:
            return f"{self.kind} {self.name!r}: {len(self.names('passed'))} checks passed"
        lines = [f"{self.kind} {self.name!r} breaks its contract in {len(failed)} of {len(self.results)} checks:"]
        lines += [f"- {result.name}: {result.message}\n  The rule: {result.rule}" for result in failed]
        return "\n".join(lines)


class ConformanceError(ProofsearchError):
    """A component that breaks its contract, as :mod:`proofsearch.testing` found. Exit code 9.

    Attributes:
        report: what was checked and found.
    """

    exit_code = 9

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


OnResult = Callable[[CheckResult], None]
"""Told of each result as it comes."""


def ignore_result(result: CheckResult) -> None:
    """Tells nobody; the default."""


def make_checks(
    name: str,
    checks: Checks[Case],
    case: Case,
    *,
    only: Collection[str],
    skip: Collection[str],
    on_result: OnResult,
    renew: Callable[[], None] = lambda: None,
) -> Report:
    """Makes the checks, all of them, however many fail.

    Args:
        name: of the component, for people.
        checks: of its kind.
        case: the component with what it is tried on.
        only: names of checks; empty for all.
        skip: names of checks that are left out.
        on_result: told of each result.
        renew: called after a check that failed, so that what it has broken isn't found broken again by the next.

    Returns:
        The report, of a component that conforms.

    Raises:
        ConformanceError: a check failed; it has the report.
    """
    results: list[CheckResult] = []
    for check in checks.chosen(only, skip):
        results.append(_make(check, case))
        on_result(results[-1])
        if results[-1].outcome == "failed":
            renew()
    report = Report(checks.kind, name, tuple(results))
    if not report.conforms:
        raise ConformanceError(str(report), report)
    return report


def _make(check: Check[Case], case: Case) -> CheckResult:
    began = time.perf_counter()
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    try:
        message = check.run(case) or ""
    except Violation as found:
        outcome, message = "failed", str(found)
    except NotApplicable as reason:
        outcome, message = "skipped", str(reason)
    # Foreign code: whatever it raises is what the check has found, and the other checks are still worth making.
    except BaseException as error:
        if interrupts(error):
            raise
        outcome, message = "failed", f"raised {one_line(error)}{_where(error)}"
    return CheckResult(check.name, check.rule, outcome, message, time.perf_counter() - began)


def _where(error: BaseException) -> str:
    """The innermost place in which it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace is not None else ""


def expect(holds: object, otherwise: str) -> None:
    """Raises a :class:`Violation` unless something holds.

    Args:
        holds: true or not.
        otherwise: what was found, where it doesn't.
    """
    if not holds:
        raise Violation(otherwise)


def brief(value: object, length: int = 120) -> str:
    """A value in a message: its ``repr``, cut where it is long."""
    text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """Picks at most so many of the items, evenly spread from the first on."""
    if len(items) <= count:
        return list(items)
    return [items[number * len(items) // count] for number in range(count)]
