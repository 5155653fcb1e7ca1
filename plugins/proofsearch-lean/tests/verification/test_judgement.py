"""What Lean says is believed at its place only, and once."""

from __future__ import annotations

import dataclasses

from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.verification.judgement import compose, judge
from proofsearch_lean.verification.reports import Message, read_messages

from proofsearch.process.programs import Ended

THEOREM = LeanTheorem("A.t", "theorem t : 1 = 1", "namespace A\n")
FILE = compose(THEOREM, "  rfl\n")


def _trace(line: int, what: str = "…") -> Message:
    return Message(line, 0, "information", f"[Elab.command] ✅️ {what}")


SAID = [
    _trace(1),
    _trace(2, "theorem t"),
    _trace(4),
    _trace(5),
    _trace(6),
    Message(7, 0, "information", "'A.t' depends on axioms: [propext,\n Quot.sound]"),
    _trace(7),
    Message(8, 0, "information", "A.t : Eq.{1} Nat 1 1"),
    _trace(8),
]


def test_the_epilogue_stands_behind_the_script() -> None:
    assert FILE.text.splitlines()[FILE.axioms_line - 1] == "#print axioms _root_.A.t"
    assert FILE.text.splitlines()[FILE.type_line - 1] == "#check @_root_.A.t"
    assert [FILE.text.splitlines()[line - 1] for line in FILE.script] == ["  rfl"]


def test_all_is_well() -> None:
    found = judge(THEOREM, FILE, 0, SAID)
    assert (found.flaw, found.axioms, found.type) == ("", ("Quot.sound", "propext"), "A.t : Eq.{1} Nat 1 1")


def test_each_part_is_needed() -> None:
    """Without any one of the messages nothing is believed; the namespace's trace alone says nothing."""
    assert [
        number for number in range(1, len(SAID)) if not judge(THEOREM, FILE, 0, SAID[:number] + SAID[number + 1 :]).flaw
    ] == [1]
    assert judge(THEOREM, FILE, 0, SAID[2:]).flaw


def test_nothing_may_be_said_twice_or_elsewhere() -> None:
    report = Message(7, 0, "information", "'A.t' does not depend on any axioms")
    assert "axioms" in judge(THEOREM, FILE, 0, [*SAID, report]).flaw
    elsewhere = [dataclasses.replace(message, line=3) if "axioms:" in message.text else message for message in SAID]
    assert "axioms" in judge(THEOREM, FILE, 0, elsewhere).flaw
    other = [dataclasses.replace(message, text=message.text.replace("A.t'", "t'")) for message in SAID]
    assert "not of A.t" in judge(THEOREM, FILE, 0, other).flaw
    assert "type" in judge(THEOREM, FILE, 0, [*SAID, Message(8, 0, "information", "A.t : True")]).flaw


def test_a_command_in_the_script_and_an_error_anywhere() -> None:
    assert "begins another command (✅️ axiom x)" in judge(THEOREM, FILE, 0, [*SAID, _trace(3, "axiom x")]).flaw
    assert judge(THEOREM, FILE, 0, [*SAID, Message(1, 0, "error", "no")]).flaw == "line 1: no"
    assert "doesn't end where it should" in judge(THEOREM, FILE, 0, [*SAID, Message(4, 0, "error", "no")]).flaw
    assert "code 1" in judge(THEOREM, FILE, 1, SAID).flaw


def test_what_is_no_message_of_leans_is_not_read() -> None:
    line = '{"pos": {"line": 1, "column": 0}, "severity": "error", "data": "x"}\n'
    assert read_messages(Ended(0, line, "")) == [Message(1, 0, "error", "x")]
    for strange in ("hello\n", "[1]\n", "{}\n", '{"pos": null, "severity": "error", "data": "x"}\n'):
        assert read_messages(Ended(0, line + strange, "")) is None
