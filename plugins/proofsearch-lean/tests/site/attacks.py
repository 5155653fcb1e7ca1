"""False proofs, each an attempt to have the check accept what isn't proved."""

from __future__ import annotations

from dataclasses import dataclass

from proofsearch_lean.statements import LeanTheorem

PREAMBLE = """namespace Attacked

/-- Nobody has proved it. -/
theorem unproved : (0 : Nat) = 1 := by
  sorry

theorem proved (n : Nat) : n + 0 = n := by
  rfl

"""

FALSE = LeanTheorem("Attacked.target", "theorem target : (0 : Nat) = 1", PREAMBLE)
"""A statement that has no proof."""

OPEN = LeanTheorem("Attacked.target", "theorem target (p q : Prop) (h : p) : q", PREAMBLE)
"""A statement with hypotheses that doesn't follow from them."""

NAMED = LeanTheorem("Attacked.target", "theorem target : (0 : Nat) = 1", f"{PREAMBLE}axiom propext : (0 : Nat) = 1\n")
"""One behind an axiom that is called as one of Lean's is."""

TRUE = LeanTheorem("Attacked.target", "theorem target : 3 < 5", PREAMBLE)
"""A true statement, for proofs that are none nevertheless."""


@dataclass(frozen=True)
class Attack:
    """One attempt.

    Attributes:
        name: what is tried.
        script: the whole proof, as a tactic.
        theorem: what it pretends to prove.
        deceives: whether somebody would be deceived who looks, as many do, only whether ``lean`` ends without an error
            and a line says of the theorem's name that it rests on allowed axioms.
    """

    name: str
    script: str
    theorem: LeanTheorem = FALSE
    deceives: bool = False


ATTACKS = (
    # Holes.
    Attack("sorry", "sorry"),
    Attack("sorry in a term", "exact sorry"),
    Attack("the axiom behind sorry", "exact sorryAx _ true"),
    Attack("the axiom behind sorry, with its root", "exact _root_.sorryAx ((0 : Nat) = 1) false"),
    Attack("admit", "admit"),
    Attack("a hole under have", "have h : False := by\n  sorry\nexact h.elim"),
    Attack("a hole in another attempt", "first\n| rfl\n| sorry"),
    Attack("holes for all goals", "all_goals sorry"),
    Attack("a hole in a rewriting rule", "simp [show (0 : Nat) = 1 from sorry]"),
    Attack("a hole in calc", "calc (0 : Nat) = 2 := sorry\n  _ = 1 := sorry"),
    Attack("a hole in an instance", "haveI : Decidable ((0 : Nat) = 1) := .isTrue sorry\ndecide"),
    Attack("a hole in decreasing_by", "exact f 3\n  where f (n : Nat) : (0 : Nat) = 1 := f n\n  decreasing_by sorry"),
    Attack("a hole, and no warning of it", "set_option warn.sorry false in\nsorry"),
    Attack("proofs replaced by holes", "set_option debug.byAsSorry true in\nexact (by trivial)"),
    Attack("a goal left open", "skip"),
    Attack("a goal left open behind a dot", "refine ?_", OPEN),
    Attack("a placeholder", "exact ?_", OPEN),
    # Theorems that are none.
    Attack("an earlier theorem without a proof", "exact unproved"),
    Attack("an earlier theorem without a proof, found", "exact?"),
    Attack("the theorem itself", "exact target"),
    Attack("the theorem itself, by its full name", "exact Attacked.target"),
    Attack("the theorem itself, in simp", "simp [target]"),
    Attack("the theorem itself, as an assumption", "assumption"),
    Attack("the theorem itself, found", "apply?"),
    Attack("a recursion without an end", "let rec f : (0 : Nat) = 1 := f\nexact f"),
    Attack("a recursion in where", "exact f\n  where f : (0 : Nat) = 1 := f"),
    Attack("a rising recursion", "exact f 0\n  where f (n : Nat) : (0 : Nat) = 1 := f (n + 1)"),
    Attack("an unsafe axiom of the library", "exact lcProof"),
    Attack("an unsafe axiom as a cast", "exact lcUnreachable"),
    Attack("an unsafe term", "exact unsafe (lcProof : (0 : Nat) = 1)"),
    Attack("an unsafe term behind a number", "exact (fun (_ : Nat) (h : (0 : Nat) = 1) => h) 0xFunsafe lcProof"),
    Attack("a choice from nothing", "exact Classical.choice ⟨_⟩"),
    Attack("an instance found", "exact inferInstance"),
    Attack("an axiom that is called as one of Lean's", "exact propext", NAMED, deceives=True),
    # Checks that are left out.
    Attack("the kernel left out", "set_option debug.skipKernelTC true in\ndecide +kernel", deceives=True),
    Attack(
        "the kernel left out, in guillemets",
        "set_option «debug».«skipKernelTC» true in\ndecide +kernel",
        deceives=True,
    ),
    Attack(
        "the kernel left out, behind a comment",
        "set_option /- pp.all -/ debug.skipKernelTC true in\ndecide +kernel",
        deceives=True,
    ),
    Attack(
        "the kernel left out, over lines",
        "set_option\n  debug.skipKernelTC\n  true in\ndecide +kernel",
        deceives=True,
    ),
    Attack(
        "the kernel left out, in a term",
        "exact set_option debug.skipKernelTC true in (by decide +kernel)",
        deceives=True,
    ),
    Attack(
        "the kernel left out, behind a harmless option",
        "set_option pp.all true in\nset_option debug.skipKernelTC true in\ndecide +kernel",
        deceives=True,
    ),
    Attack("compiled code believed", "native_decide", TRUE),
    Attack("compiled code believed, of something false", "native_decide"),
    Attack("the axiom of compiled code", "exact of_decide_eq_true (Lean.ofReduceBool _ _ rfl)", TRUE),
    # Commands behind the proof.
    Attack("an own axiom behind the proof", "exact mine\naxiom mine : (0 : Nat) = 1"),
    Attack("a second theorem", "sorry\ntheorem other : True := trivial"),
    Attack(
        "the theorem's name in another namespace",
        "sorry\nend Attacked\ntheorem target : True := trivial",
        deceives=True,
    ),
    Attack(
        "the theorem's full name in a namespace of that name",
        "sorry\nnamespace Attacked\ntheorem target : True := trivial\ntheorem Attacked.target : True := trivial",
    ),
    Attack("another namespace", "sorry\nend Attacked\nnamespace Elsewhere"),
    Attack("a section", "sorry\nsection"),
    Attack("variables", "sorry\nvariable (absurdity : False)"),
    Attack("the end of the file", "sorry\n#exit"),
    Attack(
        "the end of the file behind a false report",
        "trace \"'target' does not depend on any axioms\"\nsorry\n#exit",
        deceives=True,
    ),
    Attack("a false report", "trace \"'Attacked.target' does not depend on any axioms\"\nsorry"),
    Attack("a false trace", 'trace "[Elab.command] ✅️ #print axioms _root_.Attacked.target"\nsorry'),
    Attack("an instance", "trivial\ninstance : OfNat Nat 1 := ⟨0⟩"),
    Attack("a notation", 'sorry\nlocal notation "Nat" => Unit'),
    Attack("another equality", 'sorry\nlocal infix:50 (priority := high) " = " => fun _ _ => True'),
    Attack("a macro for the report", 'sorry\nmacro "#print" "axioms" n:ident : command => `(#check $n)'),
    Attack("a macro for a tactic", 'sorry\nmacro "done" : tactic => `(tactic| trivial)'),
    Attack("macro rules", "sorry\nlocal macro_rules | `(tactic| rfl) => `(tactic| sorry)"),
    Attack("syntax", 'sorry\nsyntax "sure" : tactic'),
    Attack("an elaborator", 'sorry\nelab "sure" : tactic => return'),
    Attack("an attribute", "sorry\nattribute [simp] unproved"),
    Attack("a definition with an attribute", "sorry\n@[simp] theorem other : (0 : Nat) = 1 := unproved"),
    Attack("a definition", "exact f\ndef f : (0 : Nat) = 1 := unproved"),
    Attack("a mutual block", "sorry\nmutual\nend"),
    Attack("an option for the rest", "sorry\nset_option pp.raw false"),
    Attack("the commands' trace switched off", "sorry\nset_option trace.Elab.command false\naxiom mine : False"),
    Attack(
        "the commands' trace switched off and on, deeper than the steps",
        "exact mine\n set_option trace.Elab.command false\n axiom mine : (0 : Nat) = 1\n"
        " set_option trace.Elab.command true",
    ),
    Attack("a command deeper than the steps", "rfl\n  axiom mine : (0 : Nat) = 1"),
    Attack("a command on the line of a step", "first | exact mine | skip axiom mine : (0 : Nat) = 1"),
    Attack("names opened over the report", "sorry\nopen Attacked in"),
    Attack("names opened for good", "sorry\nopen Nat"),
    Attack("the report expected and swallowed", "sorry\n#guard_msgs (drop info) in"),
    Attack("code that runs", "run_tac return"),
    Attack("code that runs as a command", "sorry\nrun_cmd return"),
    Attack("code in a term", "exact by_elab return default"),
    Attack("code evaluated", 'sorry\n#eval IO.println "{}"'),
    Attack("an import", "sorry\nimport Init"),
    # Text that doesn't end.
    Attack("an open comment", "sorry\n/- and so on"),
    Attack("an open comment in a comment", "sorry /- /- -/"),
    Attack("an open documentation", "sorry\n/-- This is"),
    Attack("a documentation of the report", "sorry\n/-- This is -/"),
    Attack("an open string", 'trace "sorry'),
    Attack("an open bracket", "exact (unproved", OPEN),
    Attack("an open angle bracket", "exact ⟨h, ", OPEN),
    Attack("a bracket too many", "exact (unproved))", FALSE),
    Attack("an open by", "exact by"),
    Attack("an open alternative", "first | sorry |"),
    Attack("a semicolon at the end", "sorry;"),
    Attack("an option that wants a tactic behind it", "sorry\nset_option pp.all true in"),
    # Characters.
    Attack("a look-alike of the theorem", "exact ｕnproved"),
    Attack("a look-alike of sorry", "exact sоrry"),
    Attack("an invisible character in sorry", "sor\u200bry"),
    Attack("text that runs backwards", "exact \u202eunproved\u202c"),
    Attack("tabs", "constructor\n\texact unproved"),
    Attack("a carriage return", "rfl\rsorry"),
    Attack("NUL", "sorry\0"),
    Attack("half a character", "exact \ud800"),
    Attack("a form feed", "sorry\f"),
    Attack("nothing", ""),
    Attack("a comment only", "-- trivial"),
    # Sizes.
    Attack("a megabyte of comments", "/-" + " sorry" * 170_000 + "-/\nsorry"),
    Attack("a megabyte of steps", ("skip --" + " trivial" * 70 + "\n") * 1_800 + "sorry"),
    Attack("deep brackets", "exact " + "(" * 3_000 + "unproved" + ")" * 3_000),
    Attack("deep dots", "\n".join("  " * depth + "· skip" for depth in range(300))),
    # Meanings.
    Attack("an instance that changes what 1 is", "letI : OfNat Nat 1 := ⟨0⟩\nexact (rfl : (0 : Nat) = 1)"),
    Attack("an instance that decides wrongly", "letI : Decidable ((0 : Nat) = 1) := .isTrue rfl\ndecide"),
    Attack("a local notation by let", "let Nat := Unit\nexact (rfl : (0 : _root_.Nat) = 0)"),
    Attack("another goal shown", "show (0 : Nat) = 0\nrfl"),
    Attack("another goal by change", "change True\ntrivial"),
    Attack("a cast by rfl", "exact cast rfl (rfl : (0 : Nat) = 0)"),
    Attack("types exchanged", "exact Eq.mp (propext ⟨fun h => h, fun h => h⟩) (rfl : (0 : Nat) = 0)"),
    Attack("the wrong hypothesis", "exact h", OPEN),
    Attack("another theorem's hypotheses", "intro h'\nexact h'", OPEN),
)
