"""What is refused unread, and that nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from proofsearch_lean.refusals import refusal

LIBRARY = Path(__file__).parent / "library" / "theorems"


@pytest.mark.parametrize(
    "script",
    [
        "exact unsafe lcProof",
        "exact f 0xFunsafe lcProof",  # tokens may touch
        "exact unsafeλ x => x",
        "exact «unsafe» x",
        "-- unsafe",
        "run_tac skip",
        "exact by_elab foo",
        'elab "x" : tactic => return',
        "exact 3elab_rules",
        "@[simp] theorem t : True := trivial",
        "attribute [simp] foo",
        "#eval! 1",
        "set_option debug.skipKernelTC true in rfl",
        "set_option debug.x true in rfl",
        "set_option /- -/ pp.all true in rfl",
        "set_option ppx true in rfl",
        "set_option pp.аll true in rfl",
        'set_option sat.solver "/bin/sh" in rfl',
        "exact x.set_option y",
        'set_option trace.profiler.output "/tmp/x" in rfl',
        "rfl\n axiom mine : False",
        "rfl\naxiom mine : False",
        "rfl\n\taxiom mine : False",
    ],
)
def test_refused(script: str) -> None:
    assert refusal(f"  {script}\n")


@pytest.mark.parametrize(
    "script",
    [
        "aesop (add unsafe 50% foo)",
        "set_option maxHeartbeats 400000 in\n  simp",
        "set_option linter.unusedVariables false in simp",
        "exact h.elaborate",
        "exact elaborated",
        "simp only [simprocs, attributes]",
        "exact (#s).choose",
        "open Classical in exact foo",
        'trace "macro"',
        "constructor\n\n  · rfl\n  /- a\n  b -/\n  rfl",
    ],
)
def test_not_refused(script: str) -> None:
    assert refusal(f"  {script}\n") == ""


def test_no_line_of_the_library_is_refused() -> None:
    scripts = [
        line.strip()
        for file in sorted(LIBRARY.glob("*.lean"))
        for line in file.read_text().splitlines()
        if re.match(r"\s+\S", line)
    ]
    assert len(scripts) > 500
    assert [script for script in scripts if refusal(f"  {script}\n")] == []
