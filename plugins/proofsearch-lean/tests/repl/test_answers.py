"""What the REPL's answers mean, by exchanges with the real one that were recorded in its own tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from proofsearch_lean.repl.answers import UNKNOWN_STATE, classify, classify_statement
from proofsearch_lean.transports import Open

from proofsearch import Finished, Rejected

TRANSCRIPTS = [json.loads(file.read_text()) for file in sorted(Path(__file__).with_name("transcripts").glob("*.json"))]

KINDS = {
    "advanced": Open,
    "finished_candidate": Finished,
    # Up to Lean 4.18 nothing is said of it; the check decides.
    "unknown_finished": Finished,
    "tactic_error": Rejected,
    "rejected_sorry": Rejected,
    "rejected_invalid": Rejected,
}


def steps(*outcomes: str) -> list[Any]:
    return [
        pytest.param(step, id=f"{transcript['name']}-{number}")
        for transcript in TRANSCRIPTS
        for number, step in enumerate(transcript["steps"])
        # What is never asked for: goals other than those of holes.
        if step["outcome"] in outcomes and not {"allTactics", "rootGoals"} & set(step["request"])
    ]


@pytest.mark.parametrize("step", steps(*KINDS))
def test_tactics(step: dict[str, Any]) -> None:
    answer = step["response"]
    result, number = classify(answer)
    assert isinstance(result, KINDS[step["outcome"]])
    if isinstance(result, Open):
        assert (list(result.goals), number) == (answer["goals"], answer["proofState"])
    else:
        assert number == -1


@pytest.mark.parametrize("step", steps("command_with_sorry"))
def test_statements(step: dict[str, Any]) -> None:
    answer = step["response"]
    result, number = classify_statement(answer, 1)
    last = answer["sorries"][-1]
    assert result == Open((last["goal"],))
    assert number == last["proofState"]


@pytest.mark.parametrize("step", steps("command_error"))
def test_statements_with_an_error(step: dict[str, Any]) -> None:
    result, number = classify_statement(step["response"], 1)
    assert isinstance(result, Rejected)
    assert result.message
    assert number == -1


def test_an_error_before_the_theorem_names_its_line() -> None:
    message = {"severity": "error", "pos": {"line": 2, "column": 0}, "data": "unknown identifier"}
    assert classify_statement({"env": 0, "messages": [message]}, 5) == (
        Rejected("the text before the theorem has an error in line 2: unknown identifier"),
        -1,
    )


def test_the_hole_is_the_last_one() -> None:
    """Earlier theorems may be unproved as well."""
    holes = [
        {"proofState": 3, "pos": {"line": 2, "column": 4}, "goal": "⊢ 1 = 1"},
        {"proofState": 5, "pos": {"line": 9, "column": 2}, "goal": "⊢ 3 = 3"},
        {"proofState": 4, "pos": {"line": 5, "column": 2}, "goal": "⊢ 2 = 2"},
    ]
    assert classify_statement({"env": 0, "sorries": holes}, 8) == (Open(("⊢ 3 = 3",)), 5)


def test_an_unknown_state_is_said_in_these_words() -> None:
    said = [
        step["response"]["message"]
        for transcript in TRANSCRIPTS
        for step in transcript["steps"]
        if step["outcome"] == "protocol_error" and "tactic" in step["request"]
    ]
    assert said == [UNKNOWN_STATE]
