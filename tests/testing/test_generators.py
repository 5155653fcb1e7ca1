"""The checks of generators: a sound one passes, and one that breaks a rule fails the check of that rule alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from conforming import failed

from proofsearch import Candidate
from proofsearch.errors import UsageError
from proofsearch.models.confidence import statistics_of, summary_of
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import GenerationRequest, PolicyStatistics, Script
from proofsearch.testing import check_generator

Lists = list[list[Candidate]]


class Sound:
    """Halves where it can."""

    def __init__(self, config: object, builder: object) -> None:
        self.open = True

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Lists:
        return [self.candidates(request)[:n] for request in requests]

    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        even = int(request.state.goals[0].text.split()[0]) % 2 == 0
        ranked = ["half", "dec", "split"] if even else ["dec", "split"]
        return [Candidate(tactic, math.log(0.5 ** (place + 1)), 2) for place, tactic in enumerate(ranked)]

    def close(self) -> None:
        self.open = False


class TooMany(Sound):
    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Lists:
        return [self.candidates(request) for request in requests]


class Twice(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate("dec", -1.0), Candidate("dec", -2.0)]


class WorstFirst(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return super().candidates(request)[::-1]


class Impossible(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate("dec", -1.0), Candidate("half", -math.inf)]


class Tokenless(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate("dec", -1.0, 0)]


class Scores(Sound):
    """Scores that are no logarithms."""

    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate("dec", 1.5)]


class Unnormalised(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate("dec", -0.1), Candidate("half", -0.2)]


class Mute(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return []


class NeedsMoves(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        assert request.moves is not None
        return super().candidates(request)


class SaysSo(Sound):
    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        if request.moves is None:
            raise UsageError("this policy needs an environment that lists moves")
        return super().candidates(request)


class Random(Sound):
    """Ignores the seed."""

    def __init__(self, config: object, builder: object) -> None:
        self.count = itertools.count()

    def candidates(self, request: GenerationRequest) -> list[Candidate]:
        return [Candidate(f"guess {next(self.count)}", -1.0)]

    def close(self) -> None:
        pass


class FirstOnly(Sound):
    """Suggests for the first state of a call and forgets the others."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Lists:
        return super().generate(requests[:1], n)


class ByPlace(Sound):
    """What it says of a state depends on how many there are."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Lists:
        return [[Candidate("dec", -float(len(requests)))] for _ in requests]


class PreparesOnce(Sound):
    prepared = False

    def prepare(self) -> None:
        assert not PreparesOnce.prepared, "there is an index already"
        PreparesOnce.prepared = True


class ClosedOnce(Sound):
    def close(self) -> None:
        assert self.open
        super().close()


class Sure(Sound):
    """Says how sure it is."""

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        return [statistics_of(candidates) for candidates in self.generate(requests, n)]


class TooSure(Sure):
    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        return [PolicyStatistics(best=0.5) for _ in requests]


class LessSure(Sure):
    """Says something else each time."""

    asked = 0

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        LessSure.asked += 1
        return [PolicyStatistics(entropy=float(LessSure.asked)) for _ in requests]


class SumsUp(Sure):
    """Puts its statistics together itself."""

    def summaries(self, requests: Sequence[GenerationRequest], n: int) -> list[list[float]]:
        assert all(request.moves is None for request in requests)
        return [summary_of(one) for one in self.statistics(requests, n) if one is not None]


class SumsUpWrongly(SumsUp):
    """Takes the second for the best."""

    def summaries(self, requests: Sequence[GenerationRequest], n: int) -> list[list[float]]:
        return [[row[1], row[0], *row[2:]] for row in super().summaries(requests, n)]


class Forgets(Sure):
    """Suggests nothing any more once it said how sure it is."""

    said = False

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        found = [statistics_of(self.candidates(request)[:n]) for request in requests]
        self.said = True
        return list(found)

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Lists:
        return [found[: 1 if self.said else n] for found in super().generate(requests, n)]


class Vectors(Sound):
    representation_width = 2

    def represent(self, requests: Sequence[GenerationRequest]) -> Any:
        return np.ones((len(requests), self.representation_width), np.float32)


class Wider(Vectors):
    def represent(self, requests: Sequence[GenerationRequest]) -> Any:
        return np.ones((len(requests), 3), np.float32)


def test_statistics_and_vectors_are_checked_where_there_are_any() -> None:
    names = {"statistics in range", "statistics repeatable", "statistics change nothing"}
    assert names <= set(check_generator(Sure).names("passed"))
    assert not names & set(check_generator(Sound).names("passed"))
    assert "vectors fit" in check_generator(Vectors).names("passed")
    assert "summaries fit statistics" in check_generator(SumsUp).names("passed")
    assert "summaries fit statistics" not in check_generator(Sure).names("passed")


class Proposing(Sound):
    """Proposes its likeliest tactics as whole proofs of two steps."""

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return [
            [Script((one, Candidate("done", -0.5, 3))) for one in candidates]
            for candidates in self.generate(requests, n)
        ]


class ProposesTooMany(Proposing):
    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return super().propose_scripts(requests, n + 1)


class ProposesTwice(Proposing):
    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return [[*scripts, *scripts][:n] for scripts in super().propose_scripts(requests, max(n // 2, 1))]


class ProposesNothingToDo(Proposing):
    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return [[Script(())] for _ in requests]


class ProposesByPlace(Proposing):
    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        found = super().propose_scripts(requests, n)
        return [scripts if place == 0 else () for place, scripts in enumerate(found)]


def test_whole_proofs_are_checked_where_there_are_any() -> None:
    names = {"scripts fit", "scripts repeatable"}
    assert names <= set(check_generator(Proposing).names("passed"))
    assert not names & set(check_generator(Sound).names("passed"))


def test_a_sound_generator_passes() -> None:
    report = check_generator(Sound, shared=True)
    assert report.names("failed") == []
    assert "works without moves" in report.names("passed")
    assert check_generator(SaysSo).conforms


@pytest.mark.parametrize(
    ("generator", "check"),
    [
        (TooMany, "at most as many as asked"),
        (Twice, "no tactic twice"),
        (WorstFirst, "best first"),
        (Impossible, "finite"),
        (Tokenless, "finite"),
        (Scores, "probabilities"),
        (Unnormalised, "probabilities"),
        (Mute, "suggests something"),
        (NeedsMoves, "works without moves"),
        (Random, "repeatable"),
        (FirstOnly, "one answer a state"),
        (ByPlace, "batch equals singles"),
        (PreparesOnce, "prepares twice"),
        (ClosedOnce, "idempotent close"),
        (TooSure, "statistics in range"),
        (LessSure, "statistics repeatable"),
        (SumsUpWrongly, "summaries fit statistics"),
        (Wider, "vectors fit"),
        (ProposesTooMany, "scripts fit"),
        (ProposesTwice, "scripts fit"),
        (ProposesNothingToDo, "scripts fit"),
        (ProposesByPlace, "scripts repeatable"),
    ],
)
def test_a_broken_generator_fails_that_check_alone(generator: type[Sound], check: str) -> None:
    assert failed(check_generator, generator) == [check]


def test_statistics_must_not_change_what_is_suggested() -> None:
    assert "statistics change nothing" in failed(check_generator, Forgets)


def test_the_generators_that_come_along_pass() -> None:
    registry = Plugins.discover().registry("generator")
    for name in ("knn", "mixture", "demonstrated"):
        entry: Any = registry[name]
        assert check_generator(entry.factory, entry.config()).conforms
