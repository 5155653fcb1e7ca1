"""What holds for every component that is asked about states: scorers, encoders and generators."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Builder, Factory
from proofsearch.testing.cases import ComponentCase
from proofsearch.testing.checks import Checks, NotApplicable, expect
from proofsearch.testing.samples import Sample

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
AnyCase = TypeVar("AnyCase", bound="RequestCase[Any, Any]")

_SINGLES = 12
"""How many states are asked about one by one."""

COUNTED = "one answer a state"
"""The check that says how many answers there are; where it fails, others can't compare any."""


class RequestCase(ComponentCase[Asked], Generic[Asked, Answer]):
    """A component that is asked about states.

    Args:
        factory: as it is registered.
        config: its options.
        builder: what the factory may ask.
        samples: the states that it is asked about.
        tolerance: how far numbers may differ that should be equal, as a share of the largest.
        shared: whether it is registered as shared.
    """

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        samples: Sequence[Sample],
        tolerance: float,
        shared: bool,
    ) -> None:
        super().__init__(factory, config, builder)
        if len(samples) < 2:
            raise ValueError(f"found {len(samples)} sample states, expected at least 2 to ask about")
        self.samples = samples
        self.tolerance = tolerance
        self.shared = shared

    def answers(self, component: Asked, samples: Sequence[Sample]) -> Sequence[Answer]:
        """What the component says of some samples, as it says it."""
        raise NotImplementedError

    def difference(self, one: Answer, other: Answer) -> str:
        """How two answers differ that should be equal; ``""`` where they are."""
        raise NotImplementedError

    def begin(self, component: Asked) -> None:
        """Asks about one state. Only an error for people ends the checks here; what else is raised they find again."""
        try:
            self.answers(component, self.samples[:1])
        except ProofsearchError:
            raise
        except Exception:
            return

    # ------------------------------------------------------------------------------------------- what checks ask

    def ask(self, samples: Sequence[Sample], component: Asked | None = None) -> Sequence[Answer]:
        """One answer a sample, of the usual instance or of another."""
        answers = self.answers(self.component if component is None else component, samples)
        if len(answers) != len(samples):
            raise NotApplicable(f"{len(answers)} answers for {len(samples)} states: see {COUNTED!r}")
        return answers

    def steady(self) -> Sequence[Answer]:
        """The answers for all samples, where they don't change by themselves."""
        answers = self.ask(self.samples)
        if self.first_difference(answers, self.ask(self.samples)):
            raise NotApplicable("its answers change from call to call: see 'repeatable'")
        return answers

    def first_difference(self, ones: Sequence[Answer], others: Sequence[Answer]) -> str:
        """How answers for the same states differ, with the state; ``""`` where they don't."""
        for number, (one, other) in enumerate(zip(ones, others, strict=True)):
            found = self.difference(one, other)
            if found:
                return f"state {number} of {len(ones)}: {found}"
        return ""

    def close_to(self, one: float, other: float, scale: float = 1.0) -> bool:
        """Whether two numbers are as good as equal. Not a number equals itself."""
        if one == other or (one != one and other != other):
            return True
        return abs(one - other) <= self.tolerance * max(scale, abs(one), abs(other))


def one_answer_a_state(case: AnyCase) -> None:
    """There is one answer for each state asked about, in calls of any size."""
    for samples in (case.samples, case.samples[:1]):
        found = case.answers(case.component, samples)
        expect(len(found) == len(samples), f"found {len(found)} answers for {len(samples)} states")


def an_empty_call(case: AnyCase) -> None:
    """Asked about no state, it gives no answer and raises nothing."""
    found = case.answers(case.component, [])
    expect(len(found) == 0, f"found {len(found)} answers for no state")


def repeatable(case: AnyCase) -> None:
    """The same question has the same answer."""
    first = case.ask(case.samples)
    found = case.first_difference(first, case.ask(case.samples))
    expect(not found, f"asked a second time, {found}")


def order_kept(case: AnyCase) -> None:
    """Answers come in the order of the states."""
    found = _out_of_order(case)
    expect(not found, f"asked in the opposite order, {found}")


def batch_equals_singles(case: AnyCase) -> None:
    """The answer for a state doesn't depend on what else is in the call."""
    together = case.steady()
    if _out_of_order(case):
        raise NotApplicable("its answers come in another order: see 'order kept'")
    for number in range(0, len(together), max(1, len(together) // _SINGLES)):
        found = case.difference(together[number], case.ask([case.samples[number]])[0])
        expect(not found, f"state {number} of {len(together)}, asked about alone: {found}")


def another_instance_agrees(case: AnyCase) -> None:
    """Another instance says the same, as in another worker, and closing it changes nothing for the first."""
    first = case.steady()
    with case.another() as other:
        found = case.first_difference(first, case.ask(case.samples, other))
    expect(not found, f"made anew with the same options, {found}")
    found = case.first_difference(first, case.ask(case.samples))
    expect(not found, f"after another instance was closed, {found}")


def any_thread(case: AnyCase) -> None:
    """Registered as shared, it can be asked in changing threads."""
    if not case.shared:
        raise NotApplicable("it is not registered as shared")
    first = case.steady()
    answers: list[Sequence[Any]] = []
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(case.ask(case.samples))
        # To be raised again where it can be seen.
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    found = case.first_difference(first, answers[0])
    expect(not found, f"asked in another thread, {found}")


_CHECKS = (
    one_answer_a_state,
    an_empty_call,
    repeatable,
    order_kept,
    batch_equals_singles,
    another_instance_agrees,
    any_thread,
)


def add_request_checks(checks: Checks[AnyCase]) -> None:
    """Adds what holds for every component that is asked about states."""
    for check in _CHECKS:
        checks.add(check)


def _out_of_order(case: RequestCase[Any, Any]) -> str:
    forward = case.steady()
    backward = case.ask(list(reversed(case.samples)))
    return case.first_difference(forward, list(reversed(backward)))
