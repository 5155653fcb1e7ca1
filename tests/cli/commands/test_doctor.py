"""``proofsearch doctor``: what it prints, and the exit code."""

from __future__ import annotations

import json

import pytest
from commands import Cli
from installing import Site

SICK = """
from proofsearch import Finding, hookimpl

@hookimpl
def register_diagnoses(register):
    register("prover", lambda: [Finding("[the] prover", "problem", "is not there", "install it")])
"""


def test_a_healthy_plugin(cli: Cli, fake_prover: Site) -> None:
    done = cli("doctor", "fake")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "fake (fake-prover 1.0)"
    assert "environment fake; generator fake; scorer small" in done.out
    report = json.loads(cli("doctor", "fake", "builtins", "--json").out)
    assert report["healthy"] is True
    assert [plugin["name"] for plugin in report["plugins"]] == ["builtins", "fake"]
    assert report["plugins"][1] == {
        "name": "fake",
        "distribution": "fake-prover",
        "version": "1.0",
        "components": [
            {"kind": "environment", "name": "fake"},
            {"kind": "generator", "name": "fake"},
            {"kind": "scorer", "name": "small"},
        ],
        "findings": [],
    }
    assert {"Python", "processors", "accelerators", "cache"} <= {
        finding["what"] for finding in report["plugins"][0]["findings"]
    }


def test_a_problem_ends_with_a_code_of_its_own_and_says_what_to_do(cli: Cli, fake_prover: Site) -> None:
    fake_prover.install("sick", {"sick": "sick_plugin"}, {"sick_plugin": SICK})
    done = cli("doctor", "sick")
    assert done.code == 10
    assert done.err == "error: 1 problem was found\n"
    assert "✗" in done.out
    assert "[the] prover" in done.out
    assert "→ install it" in done.out
    done = cli("doctor", "sick", "--json")
    assert (done.code, json.loads(done.out)["healthy"]) == (10, False)


def test_plugins_that_are_switched_off_are_named(cli: Cli, fake_prover: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROOFSEARCH_DISABLE_PLUGINS", "ebm, openai")
    done = cli("doctor", "fake")
    assert "switched off by PROOFSEARCH_DISABLE_PLUGINS: ebm, openai" in done.out


def test_an_unknown_plugin(cli: Cli) -> None:
    done = cli("doctor", "fke")
    assert (done.code, "no plugin is named 'fke'" in done.err) == (4, True)
