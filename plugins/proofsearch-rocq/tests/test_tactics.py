"""What is taken for a tactic, and the sentence that the prover gets."""

from __future__ import annotations

import pytest
from proofsearch_rocq.tactics import Tactic, read_tactic


@pytest.mark.parametrize(
    ("tactic", "sentence"),
    [
        ("auto", "(auto)."),
        (" intros n m. ", "(intros n m)."),
        ("2: auto", "2: (auto)."),
        ("1-3, 5 : auto.", "1-3, 5: (auto)."),
        ("all: try lia.", "all: (try lia)."),
        ("!: auto", "!: (auto)."),
        ("[ goal' ]: auto", "[ goal' ]: (auto)."),
        ("- split", "(split)."),
        ("--- split", "(split)."),
        ("+ { split.", "(split)."),
        ("* 2: split.", "2: (split)."),
        ("-simpl", "(simpl)."),
        ("rewrite <- H.", "(rewrite <- H)."),
        ("exact Nat.add_0_r", "(exact Nat.add_0_r)."),
        ("(* why *) auto", "((* why *) auto)."),
        ("(* first. then *) auto", "((* first. then *) auto)."),
        ('idtac "one. two".', '(idtac "one. two").'),
        ('idtac "a (*"', '(idtac "a (*").'),
        ("apply (f x) with (y := 3)", "(apply (f x) with (y := 3))."),
        ("split;\n  auto.", "(split;\n  auto)."),
        ("pose (x := 3)", "(pose (x := 3))."),
        ("x:=y", "(x:=y)."),
    ],
)
def test_a_tactic_is_one_sentence_in_parentheses(tactic: str, sentence: str) -> None:
    assert read_tactic(tactic).sentence == sentence


@pytest.mark.parametrize(
    "tactic",
    [
        "",
        " \n",
        ".",
        "-",
        "{",
        "2:",
        "split. auto",
        "split.\nauto.",
        "idtac). Axiom boom : False. (idtac",
        "idtac) || (idtac",
        "idtac (* ",
        "idtac *) auto",
        'idtac "a',
        "auto\0",
        "\ud800",
        "x" * 20_001,
        "par: auto",
        'idtac "(*". Axiom boom : False. idtac "*)"',
    ],
)
def test_what_could_be_more_or_less_than_one_tactic_is_none(tactic: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_tactic(tactic)


def test_a_proof_has_no_parentheses_of_ours() -> None:
    assert [read_tactic(tactic).plain for tactic in ("- auto", "2:  split.")] == ["auto.", "2: split."]


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("", ""),
        ("1", ""),
        ("2", "3"),
        ("2, 1", "3, 1"),
        ("1-3", "1, 3, 4"),
        ("all", "1, 3, 4"),
        ("[ one ]", ""),
        ("[four]", "4"),
    ],
)
def test_a_selector_counts_the_chosen_goals(selector: str, meant: str) -> None:
    names = ["one", "two", "three", "four"]
    assert Tactic(selector, "auto").restricted(names, [1, 3, 4]) == Tactic(meant, "auto")


@pytest.mark.parametrize("selector", ["4", "0", "2-7", "[two]", "[five]", "!", "99999999999"])
def test_a_selector_reaches_no_other_goals(selector: str) -> None:
    with pytest.raises(ValueError, match="goal"):
        Tactic(selector, "auto").restricted(["one", "two", "three", "four"], [1, 3, 4])


def test_a_single_goal_is_meant_by_all_and_by_the_exclamation_mark() -> None:
    assert {Tactic(selector, "auto").restricted(["one", "two"], [1]).selector for selector in ("all", "!", "1")} == {""}
