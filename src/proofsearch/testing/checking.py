"""How a component is checked: what every check function takes, and what all of them do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from proofsearch.protocols import Builder, Factory
from proofsearch.testing.builder import SampleBuilder
from proofsearch.testing.cases import AnyCase
from proofsearch.testing.checks import Checks, OnResult, Report, ignore_result, make_checks


class CheckOptions(TypedDict, total=False):
    """What every check function takes beside what is special to its kind.

    Attributes:
        builder: what the factory may ask; default: a :class:`~proofsearch.testing.builder.SampleBuilder`.
        name: of the component, for the report; default: that of the factory.
        only: names of the checks to make; default: all.
        skip: names of checks to leave out.
        on_result: told of each result as it comes.
    """

    builder: Builder | None
    name: str
    only: Collection[str]
    skip: Collection[str]
    on_result: OnResult


def check(
    checks: Checks[AnyCase],
    make_case: Callable[[Builder, ExitStack], AnyCase],
    factory: Factory,
    options: CheckOptions,
) -> Report:
    """Makes the checks of a kind.

    Args:
        checks: of the kind.
        make_case: makes what is checked, with the builder; what the stack is given is closed at the end.
        factory: of the component.
        options: given to the check function.

    Returns:
        The report, of a component that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    with ExitStack() as opened:
        builder = options.get("builder") or opened.enter_context(SampleBuilder())
        case = opened.enter_context(closing(make_case(builder, opened)))
        case.open()
        return make_checks(
            options.get("name", "") or getattr(factory, "__name__", checks.kind),
            checks,
            case,
            only=options.get("only", ()),
            skip=options.get("skip", ()),
            on_result=options.get("on_result", ignore_result),
            renew=case.close,
        )


def temporary_folder(opened: ExitStack) -> Path:
    """A folder that goes with a stack; what a broken component still writes there then stays behind."""
    return Path(opened.enter_context(TemporaryDirectory(prefix="proofsearch-", ignore_cleanup_errors=True)))
