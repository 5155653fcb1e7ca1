"""Steps good and evil, with what the sentinel rule has to make of each.

What finishes here is not proved by that: some of it only the check refuses.
"""

from __future__ import annotations

from typing import NamedTuple

SWAP = "swap (p q r : Prop) (h : p ∧ q) (k : q → r) : r ∧ p"
EITHER = "either (p q : Prop) (h : p ∨ q) : q ∨ p"
ADD = "add (a b : Nat) : a + b = b + a"
LIST = "nil (xs : List Nat) : xs ++ [] = xs"
SMALL = "small : 3 < 5 ∧ ¬ (2 = 3)"
FALSE = "false : False"
EX = "ex : ∃ x : Nat, x + 3 = 5"

_NESTED = "exact " + "(" * 200 + "⟨k h.2, h.1⟩" + ")" * 200
_DEEP = "exact " + "(" * 20_000 + "h" + ")" * 20_000
_LONG = "skip /- " + "1 MB of nothing " * 62_500 + "-/"
_SMUGGLED = "exact ⟨k h.2, h.1⟩\ntheorem other : True := by\n"


class Case(NamedTuple):
    """A step, with what is before it and the kind of what becomes of it."""

    theorem: str
    before: tuple[str, ...]
    step: str
    kind: str


def _cases(theorem: str, kind: str, *steps: str, before: tuple[str, ...] = ()) -> list[Case]:
    return [Case(theorem, before, step, kind) for step in steps]


GOOD = [
    *_cases(
        SWAP,
        "Advanced",
        "constructor",
        "refine ⟨?_, ?x⟩",
        "refine ⟨?_, h.1⟩",
        "cases h",
        "obtain ⟨a, b⟩ := h",
        "rcases h with ⟨a, b⟩",
        "have x := k h.2",
        "have x : r := by\n  apply k\n  exact h.2",
        "have x : r := k (by exact h.2)",
        "suffices x : r from ⟨x, h.1⟩",
        "apply And.intro",
        "skip",
        "skip -- with a comment",
        "/- before -/\nskip /- and behind -/",
        "show r ∧ p",
        "constructor\n· exact k h.2",
        "constructor\ncase left => exact k h.2",
        "  constructor",
        "constructor\n\n",
        "set_option maxRecDepth 2000 in constructor",
        "open And in refine intro ?_ ?_",
        "(constructor)",
        "\tskip",
        "(skip; skip)",
        "have «an odd name» := h",
        "let x := 3",
        "generalize r = s at *",
        "first | exact nothing | skip",
    ),
    *_cases(
        SWAP,
        "Finished",
        "exact ⟨k h.2, h.1⟩",
        "exact by exact ⟨k h.2, h.1⟩",
        "simp_all",
        "constructor\n· exact k h.2\n· exact h.1",
        "cases h with\n| intro a b => exact ⟨k b, a⟩",
        "cases h with\n  | intro a b =>\n    constructor\n    · exact k b\n    · exact a",
        "· exact ⟨k h.2, h.1⟩",
        "constructor <;> simp_all",
        _NESTED,
    ),
    *_cases(SWAP, "Advanced", "· exact k h.2", "exact k h.2", "case right => exact h.1", before=("constructor",)),
    *_cases(SWAP, "Finished", "all_goals simp_all", before=("constructor",)),
    *_cases(EITHER, "Advanced", "cases h", "rcases h with a | b"),
    *_cases(EITHER, "Advanced", "· apply Or.inr\n  assumption", "case inl a => exact Or.inr a", before=("cases h",)),
    *_cases(ADD, "Finished", "rw [Nat.add_comm]", "induction a <;> simp_all [Nat.add_comm]", "exact Nat.add_comm a b"),
    *_cases(ADD, "Advanced", "induction a", "rw [← Nat.add_zero a]", "cases a"),
    *_cases(LIST, "Finished", "simp", "induction xs <;> simp"),
    *_cases(LIST, "Advanced", "induction xs"),
    *_cases(SMALL, "Finished", "decide"),
    *_cases(EX, "Advanced", "refine ⟨?w, ?h⟩", "apply Exists.intro", "constructor"),
    *_cases(EX, "Finished", "exists 2", "exact ⟨2, rfl⟩"),
]
"""Steps that apply."""

EVIL = [
    *_cases(
        SWAP,
        "Rejected",
        "",
        " \n ",
        "-- only a comment",
        "/- unclosed",
        "skip /- unclosed",
        "-/ skip",
        "exact (",
        "exact ⟨k h.2, h.1",
        "exact nothing",
        "no_such_tactic",
        "exact h",
        "sorry",
        "admit",
        "exact sorry",
        "exact ⟨k h.2, sorry⟩",
        "have x : r := by sorry",
        "exact ⟨k h.2, (by admit)⟩",
        "sorry -- well",
        "at h",
        "with x",
        "<;> simp",
        "| inl x => exact x",
        ".intro",
        "_ = 3 := rfl",
        "(config := {})",
        "exact by",
        "have x : r := by",
        "constructor <;>",
        "case left =>",
        "·",
        "all_goals",
        "set_option maxRecDepth 2000 in",
        "constructor;",
        "#exit",
        "skip\n#exit",
        "skip\ntheorem other : True := by\ntrivial",
        "skip\n\nend",
        "skip\naxiom cheat : False",
        "done",
        "constructor\n\t· exact k h.2",
        "skip\0",
        "skip\r\nskip",
        "\ud800",
        "⊢ 𝔸",
        "x" * 20_000,
        ")" * 50,
        'exact "unclosed',
        "simp",
        "intro x",
        "rfl",
        "decide",
        "contradiction",
        "set_option no.such.option true in skip",
        "exact (fun x => x x : r ∧ p)",
        "import Init",
        'macro "done" : tactic => `(tactic| skip)',
        f"{_SMUGGLED}  trivial",
        f"{_SMUGGLED}trivial",
        "/- it stands further right than the others -/ skip",
        f"{_SMUGGLED}trivial".replace("exact ⟨k h.2, h.1⟩", "skip"),
    ),
    *_cases(FALSE, "Rejected", "trivial", "decide", "simp", "exact False.elim", "apply?", "exact?", "rfl"),
    *_cases(FALSE, "Rejected", "exact sorryAx False", "exact sorryAx _ true", "apply sorryAx"),
    *_cases(SWAP, "Advanced", _LONG),
    # They finish; the check decides whether that is a proof.
    *_cases(SWAP, "Finished", "exact ⟨k h.2, h.1⟩\n#exit", "exact ⟨k h.2, h.1⟩ -- sorry"),
    *_cases(SMALL, "Finished", "native_decide"),
]
"""Steps that are no steps, and steps that try to get away with something."""
