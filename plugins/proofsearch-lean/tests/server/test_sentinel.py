"""The rule by which a text's diagnostics say what became of its last tactic."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from corpus_of_steps import EVIL, GOOD, Case
from lean_installation import Installation
from lean_sessions import server, session, theorem
from proofsearch_lean.server.sentinel import classify
from proofsearch_lean.transports import Open

from proofsearch import Advanced, Finished, Rejected

UNSOLVED = "unsolved goals\ncase left\nh : p\n⊢ p\n\ncase right\n⊢ q"


def diagnostic(severity: int, line: int, column: int, message: str) -> dict[str, object]:
    start = {"line": line, "character": column}
    return {"severity": severity, "range": {"start": start, "end": start}, "message": message}


def test_nothing_but_the_sentinel_fails() -> None:
    goals = ("case left\nh : p\n⊢ p", "case right\n⊢ q")
    of_sentinel = diagnostic(1, 5, 2, UNSOLVED)
    assert classify([of_sentinel], goals, 2, 5) == Open(goals)
    # Where the server has no answer of its own, the goals are in the message too.
    assert classify([of_sentinel], (), 2, 5) == Open(goals)
    harmless = [diagnostic(2, 3, 4, "unused variable"), diagnostic(3, 4, 2, "Try this: simp")]
    assert classify([*harmless, of_sentinel], goals, 2, 5) == Open(goals)


def test_nothing_fails() -> None:
    assert classify([], (), 2, 5) == Finished()
    assert classify([diagnostic(2, 3, 4, "unused variable")], (), 2, 5) == Finished()
    before = diagnostic(2, 1, 8, "declaration uses 'sorry'")
    assert classify([before], (), 2, 5) == Finished()


@pytest.mark.parametrize("said", ["declaration uses 'sorry'", "declaration uses `sorry`"])
def test_a_hole_is_no_proof(said: str) -> None:
    assert isinstance(classify([diagnostic(2, 2, 8, said)], (), 2, 5), Rejected)


def test_anything_else_fails() -> None:
    of_sentinel = diagnostic(1, 5, 2, UNSOLVED)
    for other in (
        diagnostic(1, 4, 2, "unknown tactic"),
        diagnostic(1, 5, 2, "unexpected token 'done'; expected command"),
        diagnostic(1, 5, 4, UNSOLVED),
        diagnostic(1, 6, 2, UNSOLVED),
    ):
        for diagnostics in ([other], [other, of_sentinel], [of_sentinel, other]):
            found = classify(diagnostics, ("⊢ p",), 2, 5)
            assert isinstance(found, Rejected), other
            assert found.message == other["message"]


def test_an_error_before_the_theorem_names_its_line() -> None:
    found = classify([diagnostic(1, 0, 0, "unknown module prefix 'Mathlib'")], (), 2, 5)
    assert isinstance(found, Rejected)
    assert found.message == "the text before the theorem has an error in line 1: unknown module prefix 'Mathlib'"


def test_long_messages_are_cut() -> None:
    found = classify([diagnostic(1, 4, 2, "x" * 100_000)], (), 2, 5)
    assert isinstance(found, Rejected)
    assert len(found.message) < 3000


RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())
"""What a real server said of texts; it stays where no Lean is to be had."""


@pytest.mark.parametrize("reading", RECORDED["readings"], ids=lambda reading: reading["text"].splitlines()[-2].strip())
def test_recorded_readings(reading: dict[str, Any]) -> None:
    lines = reading["text"].splitlines()
    assert lines[reading["sentinel"]] == "  done"
    found = classify(reading["diagnostics"], reading["goals"], reading["statement"], reading["sentinel"])
    assert type(found).__name__ == reading["kind"]
    if isinstance(found, Open):
        assert found.goals == tuple(reading["goals"])
        assert classify(reading["diagnostics"], (), reading["statement"], reading["sentinel"]) == found


@pytest.mark.parametrize("cases", [GOOD, EVIL], ids=["good", "evil"])
def test_the_corpus(cases: list[Case], lean: Installation, tmp_path: Path) -> None:
    wrong = []
    with server(lean, tmp_path) as running:
        for statement, group in itertools.groupby(cases, key=lambda case: case.theorem):
            with session(running, theorem(statement)) as opened:
                for case in group:
                    outcome = opened.initial()
                    for tactic in (*case.before, case.step):
                        assert isinstance(outcome, Advanced), (case, outcome)
                        outcome = opened.step(outcome.state, tactic)
                    if type(outcome).__name__ != case.kind:
                        wrong.append((statement, case.before, case.step[:80], case.kind, str(outcome)[:300]))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_corpus_is_large() -> None:
    assert len(GOOD) + len(EVIL) >= 60
