"""``proofsearch plugins check``: which component is meant, what it is tried on, what is printed, the exit code."""

from __future__ import annotations

import json

import pytest
from commands import Cli
from installing import Site

from proofsearch.protocols import KINDS

BROKEN = """
import math
from pydantic import Field
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig

class Config(ComponentConfig):
    scale: float = Field(default=1.0, description="Multiplies values.")

class Scorer:
    def __init__(self, config, builder):
        self.scale, self.environment = config.scale, builder.environment()

    def score(self, requests):
        # Options are finite, values need not be: a scale of 9 overflows.
        return [10.0 ** 308 * self.scale if self.scale == 9 else float(len(request.state.text)) for request in requests]

    def close(self):
        pass

@hookimpl
def register_scorers(register):
    register("broken", Scorer, config=Config, help="Not finite with some scales.")

class Twin(Scorer):
    pass

@hookimpl
def register_encoders(register):
    register("broken", Twin, config=Config)
"""


@pytest.fixture
def broken(fake_prover: Site) -> Site:
    fake_prover.install("broken-plugin", {"broken": "broken_plugin"}, {"broken_plugin": BROKEN})
    return fake_prover


def lines(table: str) -> list[str]:
    return [" ".join(line.split()) for line in table.splitlines()]


def test_a_component_that_conforms(cli: Cli) -> None:
    done = cli("plugins", "check", "small", "--env", "fake")
    assert done.code == 0
    found = lines(done.out)
    assert found[-1] == "the scorer small of fake-prover 1.0: 9 passed, 7 skipped"
    assert "batch equals singles passed" in found
    assert "usable calibration skipped it has no calibration" in found


def test_one_that_does_not_ends_with_a_code_of_its_own(cli: Cli, broken: Site) -> None:
    assert cli("plugins", "check", "broken", "--kind", "scorer").code == 0
    done = cli("plugins", "check", "broken", "--kind", "scorer", "--broken-scale", "9")
    assert done.code == 9
    assert "finite failed state 0: its value is inf; say None where there is none" in lines(done.out)
    assert "The rule: A value is a finite number, or None where there is none." in lines(done.out)
    assert done.err.splitlines()[-1] == "error: the scorer 'broken' breaks its contract: finite"


def test_json_has_every_check(cli: Cli, broken: Site) -> None:
    arguments = ("plugins", "check", "broken", "--kind", "scorer", "--broken-scale", "9", "--json", "-q")
    done = cli(*arguments, "--only", "finite", "--only", "order kept")
    report = json.loads(done.out)
    assert done.code == 9
    assert (report["kind"], report["name"], report["plugin"]) == ("scorer", "broken", "broken")
    assert report["distribution"] == "broken-plugin 1.0"
    assert report["conforms"] is False
    assert [(check["name"], check["outcome"]) for check in report["checks"]] == [
        ("order kept", "passed"),
        ("finite", "failed"),
    ]
    assert report["checks"][1]["message"] == "state 0: its value is inf; say None where there is none"
    done = cli(*arguments, "--skip", "finite")
    assert (done.code, json.loads(done.out)["conforms"]) == (0, True)


def test_a_name_that_means_two_components_has_to_be_told_apart(cli: Cli, broken: Site) -> None:
    done = cli("plugins", "check", "broken")
    assert done.code == 2
    assert "components of several kinds are named 'broken': scorer, encoder; say which with --kind scorer" in done.err


def test_what_is_not_there_is_named(cli: Cli) -> None:
    done = cli("plugins", "check", "smal")
    assert (done.code, "no component is named 'smal'" in done.err) == (4, True)
    assert "did you mean 'small'?" in done.err
    done = cli("plugins", "check", "small", "--kind", "encoder")
    assert (done.code, "no encoder is named 'small'" in done.err) == (4, True)
    done = cli("plugins", "check", "small", "--only", "order")
    assert (done.code, "no check of a scorer is called 'order'" in done.err) == (2, True)


def test_options_of_what_takes_no_part_are_refused(cli: Cli) -> None:
    done = cli("plugins", "check", "small", "--fake-size", "3")
    assert done.code == 2
    assert "--fake-size: no environment takes part here; leave this option out" in done.err
    assert cli("plugins", "check", "small", "--env", "fake", "--fake-size", "3").code == 0
    # The environment's options count also where what is checked has its name.
    arguments = ("plugins", "check", "fake", "--kind", "generator", "--env", "fake", "--only", "order kept")
    assert cli(*arguments, "--fake-size", "3").code == 0
    assert "--fake-size" in cli(*arguments, "--fake-size", "-1").err


def test_a_component_that_cannot_be_made_is_an_error_of_its_own(cli: Cli) -> None:
    done = cli("plugins", "check", "transformers", "--kind", "encoder")
    assert done.code == 2
    assert "no model: name a folder or a model of the hub with --transformers-model" in done.err


def test_every_kind_can_be_checked(cli: Cli) -> None:
    chosen = {
        "environment": ("fake", "--kind", "environment"),
        "generator": ("knn", "--kind", "generator"),
        "scorer": ("logprob", "--kind", "scorer"),
        "encoder": ("hashed", "--hashed-width", "32"),
        "strategy": ("puct", "--puct-temperature", "2"),
        "priority": ("astar",),
        "observer": ("log", "--log-path", "log.jsonl"),
        "loss": ("pairwise",),
        "trainer": ("ebm", "--kind", "trainer", "--only", "options are described"),
        "executor": ("local", "--local-mode", "threads", "--skip", "a hang costs its own job"),
    }
    assert set(chosen) == set(KINDS)
    for kind, arguments in chosen.items():
        done = cli("plugins", "check", *arguments, "-q")
        assert f"the {kind} {arguments[0]} of " in done.out, done.err
        assert done.code == 0, done.out
