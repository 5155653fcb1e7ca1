"""The lemmas of a file: which they are, what they are called, how they are proved."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.sources.statements import Enclosure, enclosures, lemmas_of, split_of


def lemmas(tmp_path: Path, text: str, by_file: bool = True) -> list[Lemma]:
    path = tmp_path / "File.v"
    path.write_text(text)
    return list(lemmas_of(SourceFile(path, "My.File"), by_file))


def test_names_places_and_scripts(tmp_path: Path) -> None:
    text = """(* Lemma no : True. *)
Require Import Arith.
Module A.
  Section S.
    Lemma one (n : nat) : (* . *) n = n.
    Proof.
      intros (* nothing *)
        x.
      - auto.
    Qed.
  End S.
  Module Type B (X : T).
    Local Theorem two : True. Proof I.
  End B.
  Module C := D.
  Module E : T with Definition t := nat.
    #[local] Fact three : True. easy. Defined.
  End E.
End A.
Corollary four : let x := 1 in x = 1. Proof. reflexivity. Qed.
"""
    found = lemmas(tmp_path, text)
    assert [(one.name, one.line, one.ending, one.script) for one in found] == [
        ("My.File.A.one", 5, "Qed", ("intros x.", "-", "auto.")),
        ("My.File.A.B.two", 13, "Qed", ("exact (I).",)),
        ("My.File.A.E.three", 17, "Defined", ("easy.",)),
        ("My.File.four", 20, "Qed", ("reflexivity.",)),
    ]
    assert found[0].statement == "Lemma one (n : nat) : n = n."
    for one in found:
        assert one.file.sentences[one.first].text.endswith(one.statement.split()[-1])
        assert one.prefix == one.file.sentences[: one.first]
    assert [one.file.sentences[one.last].text for one in found] == ["Qed.", "Proof I.", "Defined.", "Qed."]


@pytest.mark.parametrize(
    "text",
    [
        "Lemma x : True := I.",
        "Lemma x : True. Abort.",
        "Theorem x : True with y : True. Proof. auto. auto. Qed.",
        "Definition x : True. Proof. exact I. Qed.",
        "Instance x : C. Proof. exact I. Qed.",
        "Program Lemma x : True. Next Obligation. exact I. Qed.",
        "Goal True. exact I. Qed.",
        "Fixpoint x (n : nat) : True. Proof. exact I. Qed.",
        "(* Lemma x : True. Proof. exact I. Qed. *)",
        'Definition x := "Lemma x : True. Qed. ".',
        "Lemma_like x. Qed.",
    ],
)
def test_what_is_no_lemma(text: str, tmp_path: Path) -> None:
    behind = "Lemma z : True. Proof. exact I. Qed."
    assert [(one.short, one.script) for one in lemmas(tmp_path, f"{text}\n{behind}")] == [("z", ("exact I.",))]


@pytest.mark.parametrize(
    ("text", "ending"),
    [
        ("Lemma x : True. Proof. exact I. Qed.", "Qed"),
        ("Lemma x : True. Proof. exact I. Time Qed.", "Qed"),
        ("Lemma x : True. Proof. exact I. Defined.", "Defined"),
        ("Lemma x : True. exact I. Save x.", "Save"),
        ("Lemma x : True. Admitted.", "Admitted"),
        ("Lemma x : True. Proof. exact I.", ""),
        ("Lemma x : True.", ""),
    ],
)
def test_endings(text: str, ending: str, tmp_path: Path) -> None:
    """Only what is proved is in a split: nothing can be learnt from what isn't, and a policy can't be judged by it."""
    (found,) = lemmas(tmp_path, text)
    assert found.ending == ending
    assert bool(found.split) == (ending in ("Qed", "Defined", "Save"))
    assert (found.last == -1) == (ending == "")


def test_forms_of_statements(tmp_path: Path) -> None:
    text = """
Lemma a : match 1 with 0 => True | S _ => True end. Proof. exact I. Qed.
Lemma b (x := 1) : {n : nat | n = x}. Proof. exists 1. reflexivity. Defined.
Polymorphic Lemma c@{u} : True. Proof using. exact I. Qed.
Lemma d : (fix f (n : nat) := n) 0 = 0. Proof. reflexivity. Qed.
Example e' : "a := b"%string = "a := b"%string. Proof. reflexivity. Qed.
"""
    assert [one.short for one in lemmas(tmp_path, text)] == ["a", "b", "c", "d", "e'"]


def test_what_proof_with_means_is_written_out(tmp_path: Path) -> None:
    text = """
Lemma a : True. Proof with auto with core. split... now idtac. x || y... Qed.
Lemma b : True. Proof using x with (auto; easy). split... Qed.
Lemma c : True. Proof with auto using x. split... Qed.
Lemma d : True. Proof. split... Qed.
"""
    assert [one.script for one in lemmas(tmp_path, text)] == [
        ("(split); (auto with core).", "now idtac.", "(x || y); (auto with core)."),
        ("(split); ((auto; easy)).",),
        ("(split); (auto).",),
        ("split.",),
    ]


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    lemma = "Lemma x : True. Admitted."
    text = f"Section A. {lemma} End A. Module M. {lemma} End M. {lemma}"
    assert [one.name for one in lemmas(tmp_path, text)] == ["My.File.x", "My.File.M.x", "My.File.x'"]


def test_the_split_is_fixed(tmp_path: Path) -> None:
    """It never changes, so that no lemma that one version learns from is another's test."""
    assert [split_of(f"Coq.{name}") for name in ("Lists.List", "ZArith.Znat", "Sorting.Heap")] == [
        "train",
        "test",
        "test",
    ]
    text = "".join(f"Lemma x{number} : True. exact I. Qed.\n" for number in range(300))
    assert len({one.split for one in lemmas(tmp_path, text)}) == 1
    by_lemma = [one.split for one in lemmas(tmp_path, text, by_file=False)]
    assert all(15 <= by_lemma.count(split) <= 50 for split in ("test", "validation"))
    assert by_lemma.count("train") == 300 - by_lemma.count("test") - by_lemma.count("validation")


def test_what_is_open_around_a_place(tmp_path: Path) -> None:
    path = tmp_path / "File.v"
    path.write_text(
        "Module F (Import X : T) (Y Z : U X). Section S. Module Type V. End V. Module Type W. Module A := B."
    )
    assert enclosures(SourceFile(path, "File").sentences) == (
        Enclosure("Module", "F", ("X", "Y", "Z")),
        Enclosure("Section", "S"),
        Enclosure("Module Type", "W"),
    )
