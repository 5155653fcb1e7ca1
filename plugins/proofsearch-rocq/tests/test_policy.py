"""What the policy offers for a goal."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.policy import RocqTactics, RocqTacticsConfig
from proofsearch_rocq.retrieval import LemmaIndex, cited
from proofsearch_rocq.states import RULE

from proofsearch import Candidate, Goal, State, Theorem
from proofsearch.protocols import GenerationRequest

Offered = Callable[..., list[Candidate]]


def lemma(name: str, statement: str, file: SourceFile) -> Lemma:
    return Lemma(name, name.rpartition(".")[2], file, 0, -1, 1, statement, (), "Qed")


@pytest.fixture
def index(tmp_path) -> LemmaIndex:  # type: ignore[no-untyped-def]
    lists, later = SourceFile(tmp_path / "List.v", "Lists.List"), SourceFile(tmp_path / "Later.v", "Later")
    known = [
        lemma("Lists.List.app_nil_r", "Lemma app_nil_r : forall (A : Type) (l : list A), l ++ nil = l.", lists),
        lemma("Lists.List.rev_rev", "Lemma rev_rev : forall (A : Type) (l : list A), rev (rev l) = l.", lists),
        lemma("Lists.List.In.nil_not", "Lemma nil_not : forall (A : Type) (x : A), ~ In x nil.", lists),
        lemma("Later.add_comm", "Lemma add_comm : forall n m : nat, n + m = m + n.", later),
        lemma("Later.target", "Lemma target : forall (A : Type) (l : list A), rev (l ++ nil) = rev l.", later),
        lemma("Later.after", "Lemma after : forall (A : Type) (l : list A), rev (l ++ nil) = rev l.", later),
    ]
    return LemmaIndex({one.name: one for one in known})


def offered(goal: str, n: int = 500, index: LemmaIndex | None = None, **options: object) -> list[Candidate]:
    policy = RocqTactics(RocqTacticsConfig(**options), index)  # type: ignore[arg-type]
    (candidates,) = policy.generate([GenerationRequest(Theorem("Later.target", ""), State(goal, (Goal(goal),)))], n)
    return candidates


def names(candidates: list[Candidate]) -> set[str]:
    return {candidate.tactic for candidate in candidates}


def test_probabilities_fall_and_add_up_to_at_most_one() -> None:
    found = offered(f"n : nat\nH : n = 0\n{RULE}\nn + n = 0")
    logprobs = [candidate.logprob for candidate in found]
    assert logprobs == sorted(logprobs, reverse=True)
    assert math.fsum(map(math.exp, logprobs)) == pytest.approx(1.0)
    assert len(names(found)) == len(found)
    assert offered(f"n : nat\nH : n = 0\n{RULE}\nn + n = 0", n=7) == found[:7]


def test_hypotheses_are_offered_for_what_they_say() -> None:
    goal = f"n : nat\nE : n = 0\nI : A -> B\nC : A /\\ B\nN : ~ A\n{RULE}\nn + n = 0"
    assert names(offered(goal)) >= {
        "rewrite E",
        "rewrite <- E",
        "apply I",
        "destruct C",
        "elim N",
        "destruct n",
        "induction n",
    }
    assert "rewrite I" not in names(offered(goal))


def test_what_is_bound_in_front_is_offered_for_induction() -> None:
    assert "induction n" in names(offered(f"{RULE}\nforall n m : nat, n + m = m + n"))


def test_what_a_conclusion_depends_on_is_taken_apart() -> None:
    assert "destruct b" in names(offered(f"b : bool\n{RULE}\n(if b then 1 else 1) = 1"))
    assert "destruct (f x)" in names(offered(f"{RULE}\nmatch (f x) with | 0 => 1 | _ => 1 end = 1"))


def test_the_likest_lemmas_before_the_target_are_cited(index: LemmaIndex) -> None:
    goal = f"A : Type\nl : list A\n{RULE}\nrev (l ++ nil) = rev l"
    found = index.nearest("Later.target", goal, 3)
    assert {name for name, _ in found[:2]} == {"List.rev_rev", "List.app_nil_r"}
    assert all(0 < likeness <= 1 for _, likeness in found)
    assert not {"target", "after"} & {name for name, _ in index.nearest("Later.target", goal, 10)}
    assert names(offered(goal, index=index)) >= {"rewrite List.rev_rev", "apply List.app_nil_r"}
    assert not any("List." in tactic for tactic in names(offered(goal, index=index, lemmas=0)))


def test_a_lemma_is_cited_by_what_it_stands_in_unless_it_is_of_the_same_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file, other = SourceFile(tmp_path / "A.v", "Lib.A"), SourceFile(tmp_path / "B.v", "Lib.B")
    assert cited(lemma("Lib.A.M.one", "", file), file) == "one"
    assert cited(lemma("Lib.A.M.one", "", file), other) == "M.one"
    assert cited(lemma("Lib.A.one", "", file), other) == "A.one"


def test_a_hammer_is_one_more_tactic() -> None:
    assert "sauto" in names(offered(f"{RULE}\nTrue", also=("sauto",)))
