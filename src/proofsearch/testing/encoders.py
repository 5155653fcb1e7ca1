"""What holds for an encoder; see :class:`proofsearch.protocols.Encoder`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, Literal, Unpack, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from proofsearch.config import ComponentConfig
from proofsearch.errors import ProofsearchError
from proofsearch.protocols import Builder, Encoder, EncodesRequests, Factory
from proofsearch.testing.cases import CONFIG_CHECKS, add_closing_check
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import Checks, NotApplicable, Report, expect
from proofsearch.testing.requests import RequestCase, add_request_checks
from proofsearch.testing.samples import Sample, states_of
from proofsearch.types import THEOREM_LINE, Goal, ProofState, State

_VARIANTS = 12
"""How many other sets of options are tried."""


class EncoderCase(RequestCase[Encoder, "NDArray[np.float32]"]):
    """An encoder under check."""

    def answers(self, component: Encoder, samples: Sequence[Sample]) -> Sequence[NDArray[np.float32]]:
        """The vectors of the requests' states."""
        return list(self.encoded(component, samples))

    def encoded(self, component: Encoder, samples: Sequence[Sample]) -> NDArray[np.float32]:
        """Rows as an encoder returns them, of requests where it reads these."""
        if isinstance(component, EncodesRequests):
            return component.encode_requests([sample.generation_request(0) for sample in samples])
        return component.encode([sample.state for sample in samples])

    def difference(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> str:
        """How two rows differ, measured by the largest entry of the first."""
        if one.shape != other.shape:
            return f"its row has {one.shape} and {other.shape} columns"
        allowed = self.tolerance * max(float(np.abs(one).max(initial=0.0)), 1e-9)
        far = ~((np.abs(one - other) <= allowed) | (np.isnan(one) & np.isnan(other)) | (one == other))
        if not far.any():
            return ""
        column = int(far.argmax())
        return f"column {column} of its row is {one[column]:.6g} and {other[column]:.6g}"

    def rows(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Rows of states by themselves, as the encoder returns them.

        Raises:
            NotApplicable: it reads states of a theorem only.
        """
        if self.reads_requests:
            raise NotApplicable("it reads states of a theorem only")
        return self.component.encode(states)

    @property
    def reads_requests(self) -> bool:
        """Whether it has to know the theorem."""
        return isinstance(self.component, EncodesRequests)

    def with_odd_states(self) -> Iterator[tuple[ProofState, NDArray[np.float32]]]:
        """Every sample state with its row; states that no one expects, too, where it reads states by themselves."""
        states, rows = [sample.state for sample in self.samples], self.encoded(self.component, self.samples)
        yield from zip(states, rows, strict=False)
        if not self.reads_requests:
            odd = _odd_states()
            yield from zip(odd, self.rows(odd), strict=False)


ENCODER_CHECKS: Checks[EncoderCase] = Checks("encoder", CONFIG_CHECKS)
"""What is checked of an encoder."""

add_request_checks(ENCODER_CHECKS)


@ENCODER_CHECKS.add
def shape_and_type(case: EncoderCase) -> str:
    """Rows are a float32 array of shape ``(states, width)``, also for no state."""
    width = case.component.width
    expect(isinstance(width, int) and width >= 1, f"width is {width!r}, expected a whole number from 1")
    for samples in (case.samples, case.samples[:1], []):
        rows = case.encoded(case.component, samples)
        expect(isinstance(rows, np.ndarray), f"encode returned a {type(rows).__name__}, expected an array")
        expect(rows.dtype == np.float32, f"the rows are {rows.dtype}, expected float32")
        expect(
            rows.ndim == 2 and rows.shape[1] == width,
            f"the rows of {len(samples)} states have the shape {rows.shape}, expected ({len(samples)}, {width})",
        )
    return f"{width} columns"


@ENCODER_CHECKS.add
def finite(case: EncoderCase) -> None:
    """Every entry is a finite number, also for states that are long, foreign or a single letter."""
    for state, row in case.with_odd_states():
        expect(np.isfinite(row).all(), f"a row is not finite: that of {state.text[:80]!r}")


@ENCODER_CHECKS.add
def no_row_of_zeros(case: EncoderCase) -> None:
    """No row is all zeros, which would be a failure in disguise."""
    for state, row in case.with_odd_states():
        expect(row.any(), f"a row is all zeros: that of {state.text[:80]!r}")


@ENCODER_CHECKS.add
def reads_the_state(case: EncoderCase) -> None:
    """Different states don't all have one row."""
    rows = case.encoded(case.component, case.samples)
    expect((rows != rows[:1]).any(), f"the rows of {len(rows)} different states are all equal")


@ENCODER_CHECKS.add
def recorded_states_encode_alike(case: EncoderCase) -> None:
    """A state that was read from a trajectory, its text and goals alone, has the row that the live one has."""
    states = [sample.state for sample in case.samples]
    recorded = case.rows([State(state.text, tuple(state.goals)) for state in states])
    live = case.steady()
    found = case.first_difference(live, list(recorded))
    expect(not found, f"read from a trajectory, {found}")


@ENCODER_CHECKS.add
def goals_and_theorem_lines(case: EncoderCase) -> None:
    """A single goal can be encoded, and a state whose text ends with a line that names the theorem."""
    states: list[ProofState] = []
    for sample in case.samples[:4]:
        goals = tuple(sample.state.goals)
        states.append(State(goals[0].text, goals[:1]))
        states.append(State(f"{sample.state.text}\n{THEOREM_LINE}{sample.theorem.statement}", goals))
    rows = case.rows(states)
    expect(len(rows) == len(states), f"found {len(rows)} rows for {len(states)} states")


@ENCODER_CHECKS.add
def steady_fingerprint(case: EncoderCase) -> None:
    """The fingerprint is a text, and another instance with the same options has the same."""
    found = case.component.fingerprint()
    expect(isinstance(found, str) and found, f"the fingerprint is {found!r}, expected a text")
    with case.another() as other:
        expect(other.fingerprint() == found, f"another instance has {other.fingerprint()!r}, the first {found!r}")


@ENCODER_CHECKS.add
def telling_fingerprint(case: EncoderCase) -> str:
    """Options that change a row change the fingerprint, on which caches and checkpoints rest."""
    mark, rows, tried = case.component.fingerprint(), np.stack(case.steady()), 0
    for field, config in _variants(case.config):
        try:
            with case.another(config) as other:
                changed = other.fingerprint() == mark and not _same(rows, case.encoded(other, case.samples))
        except (ProofsearchError, ValueError):
            continue  # not every value goes with the others, or with this machine
        tried += 1
        expect(not changed, f"with {field} = {getattr(config, field)!r} rows differ, and the fingerprint is the same")
    if not tried:
        raise NotApplicable("it has no option that could be changed")
    return f"{tried} other sets of options tried"


add_closing_check(ENCODER_CHECKS)


def _same(ones: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    return ones.shape == others.shape and np.allclose(ones, others, rtol=1e-3, atol=1e-6)


def _variants(config: ComponentConfig | None) -> Iterator[tuple[str, ComponentConfig]]:
    """The options with one of them changed each time."""
    if config is None:
        return
    found = 0
    for name, field in type(config).model_fields.items():
        now = getattr(config, name)
        for value in _others(field.annotation, now):
            if value == now:
                continue
            try:
                changed = type(config).model_validate({**config.model_dump(), name: value})
            except ValidationError:
                continue
            if found < _VARIANTS:
                found += 1
                yield name, changed
            break


def _others(annotation: Any, value: Any) -> Sequence[Any]:
    """Other values that an option might have; those that it can't have are found out by trying."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value // 2, value * 2, value + 1, value + 64]
    if isinstance(value, float):
        return [value / 2, value * 2 + 0.1]
    if get_origin(annotation) is Literal:
        return [other for other in get_args(annotation) if other != value]
    return []


def _odd_states() -> list[ProofState]:
    """States that no one expects and someone will meet."""
    texts = ["x", "⊢ ∀ x : ℕ, ∃ y, x < y ∧ 𝔸 ≠ ∅", "( a + b ) = c\n" * 60, "-", "a\tb"]
    return [State(text, (Goal(text),)) for text in texts]


def check_encoder(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    samples: Sequence[Sample] | None = None,
    tolerance: float = 1e-4,
    shared: bool = False,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks an encoder against its contract.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        samples: the states to encode; default: states of the builder's environment.
        tolerance: how far entries may differ that should be equal, as a share of a row's largest.
        shared: whether it is registered as shared.
        options: see :class:`~proofsearch.testing.CheckOptions`.

    Returns:
        The report, of an encoder that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """

    def make_case(builder: Builder, opened: ExitStack) -> EncoderCase:
        chosen = states_of(builder, opened) if samples is None else samples
        return EncoderCase(factory, config, builder, chosen, tolerance, shared)

    return check(ENCODER_CHECKS, make_case, factory, options)
