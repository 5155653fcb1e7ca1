"""What holds for a training loss; see :class:`proofsearch.protocols.Loss`.

The batches that it is tried on come from the trainer that it is for: a trainer whose losses are plugins gives them
(:class:`proofsearch.protocols.TriesLosses`). Tensors are only asked for what those of torch can do; the core imports
no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder, Factory, Loss, LossCase
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import Checks, NotApplicable, Report, expect

PADDING = (math.nan, math.inf, -math.inf, 1e30)
"""What may stand where no member is."""

_LARGE = 1e3
"""Energies that a training can come to when it goes wrong, and must come back from."""


class TriedLoss(ComponentCase[Loss]):
    """A loss under check, with the batches that it is tried on."""

    def __init__(
        self,
        factory: Factory,
        config: ComponentConfig | None,
        builder: Builder,
        cases: Sequence[LossCase],
        tolerance: float,
    ) -> None:
        super().__init__(factory, config, builder)
        if not any(case.teaches for case in cases):
            raise ValueError(f"found {len(cases)} cases, expected at least one that teaches something")
        self.cases = cases
        self.tolerance = tolerance

    def value(self, case: LossCase, energies: Any = None, loss: Loss | None = None) -> tuple[Any, Any]:
        """The loss of a case, and its gradient by the energies, zeros where it doesn't depend on them."""
        leaf = (case.energies if energies is None else energies).detach().clone().requires_grad_()
        value = (loss or self.component)(leaf, case.batch)
        if getattr(value, "requires_grad", False):
            value.backward()
        gradient = leaf.grad if leaf.grad is not None else case.energies * 0
        return value.detach() if hasattr(value, "detach") else value, gradient

    def number(self, value: Any) -> float:
        """A scalar as a number.

        Raises:
            NotApplicable: it is none; another check says so.
        """
        if tuple(getattr(value, "shape", (0,))) != ():
            raise NotApplicable("it returns no scalar tensor: see 'a scalar'")
        return float(value)

    def same(self, one: float, other: float) -> bool:
        """Whether two numbers are as good as equal. Not a number equals itself."""
        return one == other or (one != one and other != other) or abs(one - other) <= self.tolerance * max(1, abs(one))

    @property
    def teaching(self) -> list[LossCase]:
        """The cases that teach something."""
        return [case for case in self.cases if case.teaches]


LOSS_CHECKS: Checks[TriedLoss] = Checks("loss", CONFIG_CHECKS)
"""What is checked of a loss."""


@LOSS_CHECKS.add
def a_scalar(tried: TriedLoss) -> None:
    """It returns a tensor without dimensions."""
    for case in tried.cases:
        value, _ = tried.value(case)
        shape = getattr(value, "shape", None)
        found = type(value).__name__ if shape is None else f"a tensor of shape {tuple(shape)}"
        expect(shape is not None and tuple(shape) == (), f"it returned {found}, expected a scalar tensor")


@LOSS_CHECKS.add
def repeatable(tried: TriedLoss) -> None:
    """The same energies have the same loss and gradient, of another instance too."""
    other = tried.make()
    for case in tried.cases:
        first, gradient = tried.value(case)
        for loss in (tried.component, other):
            again, gradient_again = tried.value(case, loss=loss)
            same = tried.same(tried.number(first), tried.number(again))
            expect(same, f"it is {tried.number(first):.9g} and {tried.number(again):.9g} of the same energies")
            change = float((gradient - gradient_again).abs().max())
            expect(not change > tried.tolerance, f"its gradient changes by {change:.3g} for the same energies")


@LOSS_CHECKS.add
def finite(tried: TriedLoss) -> None:
    """Value and gradient are finite numbers, also where energies are large."""
    for case in tried.cases:
        for scale in (1.0, _LARGE, -_LARGE):
            value, gradient = tried.value(case, case.energies * scale)
            found = tried.number(value)
            expect(math.isfinite(found), f"with energies up to {_size(case, scale):.3g} it is {found}")
            fine = bool(gradient.isfinite().all())
            expect(fine, f"with energies up to {_size(case, scale):.3g} its gradient is not finite")


@LOSS_CHECKS.add
def energies_left_alone(tried: TriedLoss) -> None:
    """It doesn't change the energies that it is given."""
    for case in tried.cases:
        given = case.energies.detach().clone()
        tried.component(given, case.batch)
        expect(bool((given == case.energies).all()), "the energies have changed after the call")


@LOSS_CHECKS.add
def padding_means_nothing(tried: TriedLoss) -> None:
    """Neither value nor gradient depends on the contents of padding, infinities and NaN included."""
    for case in tried.teaching:
        value, gradient = tried.value(case)
        if not tried.same(tried.number(value), tried.number(tried.value(case)[0])):
            raise NotApplicable("it changes from call to call: see 'repeatable'")
        for filler in PADDING:
            padded, padded_gradient = tried.value(case, case.energies.masked_fill(~case.mask, filler))
            same = tried.same(tried.number(value), tried.number(padded))
            expect(same, f"with {filler} at padding it is {tried.number(padded):.6g}, else {tried.number(value):.6g}")
            change = (padded_gradient - gradient).abs()
            expect(bool((change <= tried.tolerance).all()), f"with {filler} at padding its gradient changes")


@LOSS_CHECKS.add
def nothing_to_learn_is_zero(tried: TriedLoss) -> None:
    """It is 0, with a gradient of 0, where the batch teaches nothing."""
    silent = [case for case in tried.cases if not case.teaches]
    if not silent:
        raise NotApplicable("no batch is given that teaches nothing")
    for case in silent:
        value, gradient = tried.value(case)
        found = tried.number(value)
        expect(abs(found) <= tried.tolerance or found != found, f"it is {found:.6g} of a batch that teaches nothing")
        steepest = float(gradient.abs().max())
        expect(not steepest > tried.tolerance, f"its gradient is {steepest:.3g} for a batch that teaches nothing")


@LOSS_CHECKS.add
def polarity(tried: TriedLoss) -> str:
    """Lower energy is better: where it compares members, lowering it lowers positives and raises the others."""
    compared = 0
    for number, case in enumerate(tried.teaching):
        _, gradient = tried.value(case, case.energies * 0)
        others = case.mask & ~case.positive
        good, bad = float(gradient[case.positive].sum()), float(gradient[others].sum())
        if bad:  # a loss that says nothing of the others, such as a regression, doesn't compare
            expect(
                good > bad,
                f"case {number}: where all energies are equal, its gradient is {good:.3g} for positives and {bad:.3g} "
                f"for the others: it teaches the opposite",
            )
            compared += 1
    if not compared:
        raise NotApplicable("it compares no positive with other members")
    return ""


def _size(case: LossCase, scale: float) -> float:
    return float((case.energies * scale).abs().max())


def check_loss(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    cases: Sequence[LossCase],
    tolerance: float = 1e-5,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a training loss against its contract.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        cases: what it is tried on, from the trainer that it is for: ``loss_cases()`` of proofsearch-ebm.
        tolerance: how far values may differ that should be equal, absolutely and as a share.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of a loss that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    return check(
        LOSS_CHECKS, lambda builder, _: TriedLoss(factory, config, builder, cases, tolerance), factory, options
    )
