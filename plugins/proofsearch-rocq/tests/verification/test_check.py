"""True proofs, which have to be accepted, and what the verdict says of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sources import read_lemmas
from proofsearch_rocq.verification import proof_text, verify
from proofsearch_rocq.verification.text import heading

from proofsearch import Verdict

Lemmas = Callable[[str], dict[str, Lemma]]
Checked = Callable[..., Verdict]

THREE = "Lemma three : True /\\ 1 = 1 /\\ exists n : nat, n = 1.\nAdmitted.\n"


@pytest.mark.parametrize(
    "script",
    [
        "split. exact I. split. reflexivity. exists 1. reflexivity.",
        "split.\n- exact I.\n- split.\n  + reflexivity.\n  + exists 1; reflexivity.",
        "split. { exact I. } split. { reflexivity. } { exists 1. auto. }",
        "split. 2: { split. - reflexivity. - now exists 1. } exact I.",
        "repeat split. eexists. all: try reflexivity.",
        "repeat split. unshelve refine (ex_intro _ _ _); shelve. Unshelve. exact 1. reflexivity.",
        "split; [exact I | split]; [ | now exists 1].\n(* what is left (* . *) *)\nreflexivity.",
        'idtac "Chars 0 - 3"; repeat split. idtac "a "" b. c"; exists 1. reflexivity.',
        "repeat split; now exists 1 || reflexivity.",
        "repeat split. refine (ex_intro _ ?[n] _). [n]: exact 1. 1-1: reflexivity.",
    ],
)
def test_ways_to_write_a_proof(script: str, lemmas: Lemmas, checked: Checked) -> None:
    lemma = lemmas(THREE)["three"]
    verdict = checked(lemma, f"{heading(lemma)}\nProof.\n{script}\nQed.\n")
    assert (verdict.message, verdict.proved, verdict.tier, verdict.rests_on) == ("", True, "axioms audited", ())
    assert verdict.checker.startswith("Rocq ")


def test_what_is_written_is_accepted(lemmas: Lemmas, checked: Checked) -> None:
    lemma = lemmas(f"(* ü ∀ *)\nDefinition é := 1.\n{THREE}")["three"]
    proof = proof_text(lemma, ("repeat split.", "auto (* . *) with core.", "eauto."))
    assert proof.endswith("exists n : nat, n = 1.\nProof.\n  repeat split.\n  auto with core.\n  eauto.\nQed.\n")
    assert checked(lemma, proof).message == ""


SURROUNDED = """
Axiom a : 1 = 2.
Axiom b : 1 = 2.
Module Type T.
  Parameter n : nat.
  Axiom small : n = 0.
End T.
Module F (Import X : T).
  Section S.
    Variable k : nat.
    Hypothesis same : k = n.
    Axiom inner : n = 5.
    Lemma zero : k = 0.
    Proof. rewrite same. exact small. Qed.
    Lemma from_a : k = 0 /\\ 1 = 2.
    Proof. split. exact zero. exact a. Qed.
    Lemma none : k = k.
    Admitted.
  End S.
End F.
Module Type U.
  Parameter m : nat.
  Axiom tiny : m = 0.
  Lemma also : m = 0.
  Proof. exact tiny. Qed.
End U.
"""


@pytest.mark.parametrize(
    ("name", "script", "rests_on", "tier"),
    [
        ("zero", "rewrite same. apply small.", (), "axioms audited"),
        ("zero", "rewrite same. assert (h := inner). exact small.", ("inner",), ""),
        ("zero", "rewrite same. rewrite inner. discriminate a.", ("a", "inner"), ""),
        ("from_a", "split; [apply zero | apply a].", ("a",), "axioms audited"),
        ("from_a", "split; [apply zero | apply b].", ("b",), ""),
        ("from_a", "discriminate a.", ("a",), "axioms audited"),
        ("none", "reflexivity.", (), "axioms audited"),
        ("none", "pattern k; rewrite same, small; reflexivity.", (), "axioms audited"),
        ("none", "discriminate b.", ("b",), "kernel"),
        ("also", "rewrite tiny. reflexivity.", (), "axioms audited"),
    ],
)
def test_what_a_proof_may_rest_on(
    name: str, script: str, rests_on: tuple[str, ...], tier: str, lemmas: Lemmas, checked: Checked
) -> None:
    """Variables of a section, a functor's parameters and what a module type declares are no axioms; the rest are."""
    lemma = lemmas(SURROUNDED)[name]
    verdict = checked(lemma, f"{heading(lemma)}\nProof.\n{script}\nQed.\n")
    assert (verdict.rests_on, verdict.tier, verdict.proved) == (rests_on, tier, bool(tier)), verdict.message


def test_an_axiom_whose_name_is_a_keyword(lemmas: Lemmas, checked: Checked) -> None:
    """It can't be asked for by that name; what a functor leaves open is still told from what an axiom says."""
    text = """
Module Type T. Parameter rem : nat -> nat. Axiom zero : rem 0 = 0. Notation "a 'rem'" := (rem a) (at level 9). End T.
Axiom mod : nat -> nat.
Notation "a 'mod'" := (mod a) (at level 9).
Module F (Import X : T).
Lemma x : 0 rem = 0 /\\ 0 mod = 0 mod. Proof. split. exact zero. reflexivity. Qed.
Lemma y : 0 rem = 0. Proof. exact zero. Qed.
"""
    x, y = (lemmas(text)[name] for name in "xy")
    found = checked(x, proof_text(x, ("split.", "rewrite zero.", "reflexivity.", "reflexivity.")))
    assert (found.message, found.tier, found.rests_on) == ("", "axioms audited", ("mod",))
    other = checked(
        y, proof_text(y, ("assert (0 mod = 0 mod) by reflexivity.", "revert H.", "intros _.", "exact zero."))
    )
    assert (other.proved, other.rests_on) == (False, ("mod",))


def test_a_recursion_that_the_kernel_refuses(lemmas: Lemmas, checked: Checked) -> None:
    """No goal is left, and it is no proof."""
    lemma = lemmas("Lemma absurd : forall n : nat, n = S n.\nAdmitted.\n")["absurd"]
    verdict = checked(lemma, proof_text(lemma, ("fix f 1.", "exact f.")))
    assert not verdict.proved
    assert "ill-formed" in verdict.message


def test_a_check_ends_in_its_time(lemmas: Lemmas, checked: Checked) -> None:
    lemma = lemmas(THREE)["three"]
    verdict = checked(lemma, proof_text(lemma, ("do 1000000000 idtac.",)), seconds=2.0)
    assert (verdict.proved, verdict.message) == (False, "the check ran past 2 s (--rocq-check-timeout)")


def test_a_check_ends_in_its_memory(lemmas: Lemmas, installation: Installation) -> None:
    lemma = lemmas("Lemma big : 1 = 1.\nAdmitted.\n")["big"]
    steps = ("assert (h := eq_refl (Nat.pow 2 40)).", "vm_compute in h.", "reflexivity.")
    verdict = verify(installation, RocqConfig(max_memory=0.5), lemma, proof_text(lemma, steps))
    assert not verdict.proved


def test_a_checker_that_is_gone(lemmas: Lemmas, installation: Installation, tmp_path: Path) -> None:
    lemma = lemmas(THREE)["three"]
    gone = type(installation)(installation.server, (str(tmp_path / "coqtop"),), installation.version, None, "Coq")
    verdict = verify(gone, RocqConfig(), lemma, proof_text(lemma, ("auto.",)))
    assert (verdict.proved, "coqtop" in verdict.message) == (False, True)


def test_a_file_with_an_error_before_the_lemma(lemmas: Lemmas, checked: Checked) -> None:
    lemma = lemmas(f"Definition wrong : nat := I.\n{THREE}")["three"]
    assert "expected to have type" in checked(lemma, proof_text(lemma, ("auto.",))).message


def test_library_proofs(installation: Installation) -> None:
    """A few, of files that load fast; benchmarks/rocq_check.py does it for hundreds."""
    if installation.library is None:
        pytest.skip("the sources of the standard library aren't installed; apt-get install coq")
    folders = ("Init", "Bool", "Logic", "Lists", "Structures")
    small = [one for one in read_lemmas(RocqConfig(), installation) if one.name.split(".")[1] in folders]
    for lemma in random.Random(3).sample(small, 12):
        verdict = verify(installation, RocqConfig(), lemma, proof_text(lemma, lemma.script))
        assert (verdict.message, verdict.tier) == ("", "axioms audited"), lemma.name
