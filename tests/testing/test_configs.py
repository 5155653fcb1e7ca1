"""What is checked of options, and how a report reads. Scorers stand for components of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from conforming import failed
from pydantic import ConfigDict, Field, field_serializer

from proofsearch.config import ComponentConfig
from proofsearch.errors import InputError, PluginError, UsageError
from proofsearch.testing import ConformanceError, check_scorer
from proofsearch.testing.checks import Checks, NotApplicable, Violation, make_checks


class Zero:
    def __init__(self, config: object = None, builder: object = None) -> None:
        pass

    def score(self, requests: Any) -> list[float | None]:
        return [0.0] * len(requests)

    def close(self) -> None:
        pass


class Good(ComponentConfig):
    weight: float = Field(default=1.0, description="A weight.")
    names: tuple[str, ...] = Field(default=("a",), description="Names.")


class Changeable(Good):
    model_config = ConfigDict(frozen=False)


class AnythingGoes(Good):
    model_config = ConfigDict(extra="ignore")


class Undescribed(Good):
    bias: float = 0.0


class Unpicklable(Good):
    def __reduce__(self) -> Any:
        return Good, ()


class Forgetful(Good):
    @field_serializer("weight", when_used="json")
    def _rounded(self, value: float) -> float:
        return round(value)


def test_a_good_model_passes() -> None:
    report = check_scorer(Zero, Good(weight=1.5))
    assert report.conforms
    assert {"options are a model", "picklable config", "options can be written"} <= set(report.names("passed"))


@pytest.mark.parametrize(
    ("config", "check"),
    [
        (Changeable(), "options are a model"),
        (AnythingGoes(), "options are a model"),
        (Undescribed(), "options are described"),
        (Unpicklable(weight=2.0), "picklable config"),
        (Forgetful(weight=1.5), "options can be written"),
    ],
)
def test_a_broken_model_fails_that_check_alone(config: ComponentConfig, check: str) -> None:
    assert failed(check_scorer, Zero, config) == [check]


def test_a_component_without_options_is_not_checked_for_them() -> None:
    report = check_scorer(Zero)
    assert {"options are a model", "options are described"} <= set(report.names("skipped"))


def test_the_message_says_what_was_found_and_what_must_hold() -> None:
    with pytest.raises(ConformanceError) as error:
        check_scorer(Zero, Undescribed(), name="zero")
    assert str(error.value).startswith("scorer 'zero' breaks its contract in 1 of 16 checks:\n")
    assert "- options are described: no description has: bias;" in str(error.value)
    assert "The rule: Every option has a description" in str(error.value)
    assert error.value.exit_code == 9


def test_checks_are_chosen_by_name() -> None:
    assert check_scorer(Zero, Undescribed(), skip=["options are described"]).conforms
    assert [result.name for result in check_scorer(Zero, only=["finite"]).results] == ["finite"]
    with pytest.raises(UsageError, match=r"no check of a scorer is called 'finit'; there are: .*did you mean 'finite'"):
        check_scorer(Zero, only=["finit"])


@pytest.mark.parametrize(("raised", "error"), [(InputError("no file"), InputError), (ValueError("no"), PluginError)])
def test_a_component_that_cannot_be_made_is_not_checked(raised: Exception, error: type[Exception]) -> None:
    def factory(config: object, builder: object) -> Zero:
        raise raised

    with pytest.raises(error, match="no"):
        check_scorer(factory)


def test_every_check_is_made_whatever_the_others_find() -> None:
    checks = Checks[list[str]]("scorer")

    def holds(case: list[str]) -> str:
        """Rule one."""
        return "noted"

    def violated(case: list[str]) -> None:
        """Rule two,

        which has more to say.
        """
        raise Violation("found")

    def raising(case: list[str]) -> None:
        """Rule three."""
        raise SystemExit("bye")

    def skipped(case: list[str]) -> None:
        """Rule four."""
        raise NotApplicable("not here")

    for check in (holds, violated, raising, skipped):
        checks.add(check)
    told: list[str] = []
    with pytest.raises(ConformanceError) as error:
        make_checks("x", checks, [], only=(), skip=(), on_result=lambda result: told.append(result.name))
    found = {result.name: (result.outcome, result.rule, result.message) for result in error.value.report.results}
    assert list(found) == told == ["holds", "violated", "raising", "skipped"]
    assert found["holds"] == ("passed", "Rule one.", "noted")
    assert found["violated"] == ("failed", "Rule two,", "found")
    assert found["skipped"] == ("skipped", "Rule four.", "not here")
    assert found["raising"][0] == "failed"
    assert found["raising"][2].startswith("raised SystemExit: bye (")
    with pytest.raises(ValueError, match="another of that name"):
        checks.add(holds)
