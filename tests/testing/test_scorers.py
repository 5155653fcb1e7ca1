"""The checks of scorers: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from conforming import failed

from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Calibration, ScoreRequest
from proofsearch.testing import CountdownConfig, CountdownEnvironment, Sample, Samples, check_scorer

Values = list[float | None]


class Small:
    """Small numbers first."""

    def __init__(self, config: object, builder: object) -> None:
        self.open = True

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [-float(len(request.state.text)) for request in requests]

    def close(self) -> None:
        self.open = False


class Fewer(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return super().score(requests[: max(1, len(requests) - 1)]) if requests else []


class NotEmpty(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        assert requests[0]
        return super().score(requests)


class Drifting(Small):
    def __init__(self, config: object, builder: object) -> None:
        self.calls = itertools.count()

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        shift = next(self.calls)
        return [value + shift for value in super().score(requests) if value is not None]

    def close(self) -> None:
        pass


class Sorted(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return sorted(super().score(requests), key=lambda value: value or 0)


class Relative(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        values = [value for value in super().score(requests) if value is not None]
        return [value - max(values) for value in values]


class Numbered(Small):
    made = 0

    def __init__(self, config: object, builder: object) -> None:
        Numbered.made += 1
        self.number = Numbered.made

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [float(self.number)] * len(requests)

    def close(self) -> None:
        pass


class Common(Small):
    """All instances hold one thing, and closing one closes it for all."""

    held: dict[str, float] = {}  # noqa: RUF012

    def __init__(self, config: object, builder: object) -> None:
        Common.held["weight"] = 1.0

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [Common.held["weight"]] * len(requests)

    def close(self) -> None:
        Common.held.clear()


class OwnThread(Small):
    def __init__(self, config: object, builder: object) -> None:
        self.thread = threading.get_ident()

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        if threading.get_ident() != self.thread:
            raise RuntimeError("a connection can't be used in another thread")
        return super().score(requests)

    def close(self) -> None:
        pass


class Infinite(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [-math.inf if request.depth == 2 else 0.0 for request in requests]


class Stale(Small):
    """Values a state by the way to it, and doesn't say so."""

    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [request.logprob for request in requests]


class Anew(Stale):
    follows_paths = True


class Words(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Any:
        return ["good"] * len(requests)

    def difference(self) -> None:
        pass


class Costs(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [-value for value in super().score(requests) if value is not None]


class Miscalibrated(Small):
    def calibration(self) -> Calibration:
        return Calibration(0.0, 0.0, 0.0, 1.0, 0.5)


class Overweight(Small):
    def calibration(self) -> Calibration:
        return Calibration(0.0, 1.0, 0.0, 1.0, 1.5)


class ClosedOnce(Small):
    def close(self) -> None:
        assert self.open
        super().close()


class Missing(Small):
    def score(self, requests: Sequence[ScoreRequest]) -> Values:
        return [None if request.depth == 2 else 0.0 for request in requests]


@pytest.fixture(scope="module")
def better() -> list[tuple[Sample, Sample]]:
    """States of a known proof, each with its parent, which is a larger number."""
    states = Samples(CountdownEnvironment(CountdownConfig())).states
    pairs = [(state, states[state.parent]) for state in states if state.on_proof and state.parent >= 0]
    return [(one, two) for one, two in pairs if len(one.state.text) < len(two.state.text)]


def test_a_sound_scorer_passes(better: list[tuple[Sample, Sample]]) -> None:
    report = check_scorer(Small, better=better, shared=True)
    assert report.names("failed") == []
    assert {"polarity", "any thread", "batch equals singles"} <= set(report.names("passed"))
    assert check_scorer(Missing).conforms
    assert check_scorer(Anew).conforms


@pytest.mark.parametrize(
    ("scorer", "check"),
    [
        (Fewer, "one answer a state"),
        (NotEmpty, "an empty call"),
        (Drifting, "repeatable"),
        (Sorted, "order kept"),
        (Relative, "batch equals singles"),
        (Numbered, "another instance agrees"),
        (Common, "another instance agrees"),
        (OwnThread, "any thread"),
        (Infinite, "finite"),
        (Stale, "follows its path"),
        (Costs, "polarity"),
        (Miscalibrated, "usable calibration"),
        (Overweight, "usable calibration"),
        (ClosedOnce, "idempotent close"),
    ],
)
def test_a_broken_scorer_fails_that_check_alone(
    scorer: type[Small], check: str, better: list[tuple[Sample, Sample]]
) -> None:
    pairs = better if check == "polarity" else ()
    assert failed(check_scorer, scorer, better=pairs, shared=check == "any thread") == [check]


def test_what_is_no_number_is_refused() -> None:
    assert "finite" in failed(check_scorer, Words)


def test_a_share_of_the_pairs_can_be_enough(better: list[tuple[Sample, Sample]]) -> None:
    mixed = [*better[:6], *((two, one) for one, two in better[:4])]
    assert check_scorer(Small, better=mixed, least_share=0.5).conforms
    assert failed(check_scorer, Small, better=mixed, least_share=0.7) == ["polarity"]


def test_the_scorers_that_come_along_pass() -> None:
    registry = Plugins.discover().registry("scorer")
    for name in ("logprob", "length", "random", "demonstration"):
        entry = registry[name]
        assert check_scorer(entry.factory, entry.config() if entry.config else None).conforms
