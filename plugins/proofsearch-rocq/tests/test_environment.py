"""The environment: lemmas by name, sessions that share a prover, written proofs, and its whole contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.environment import RocqEnvironment
from proofsearch_rocq.plugin import make_environment

from proofsearch import Advanced, Finished
from proofsearch.errors import ProofError, UsageError
from proofsearch.protocols import Usage
from proofsearch.testing import SampleBuilder, check_environment

TEXT = """Require Import Arith.
Lemma first : forall A B : Prop, A -> B -> A /\\ B.
Proof. intros A B a b. split. - exact a. - exact b. Qed.
Module Inner.
Lemma swap : forall A B : Prop, A /\\ B -> B /\\ A.
Proof. intros A B [a b]. apply first; assumption. Qed.
Lemma any : exists n : nat, True.
Proof. exists 0. exact I. Qed.
End Inner.
Lemma last : forall n m : nat, n + m = m + n.
Proof. intros n m. apply Nat.add_comm. Qed.
"""

PROOFS = {
    "Written.first": ["intros A B a b", "split", "exact a", "exact b"],
    "Written.Inner.swap": ["intros A B [a b]", "split", "all: assumption", "exact a"],
    "Written.Inner.any": ["eapply (ex_intro (fun _ => True) _)", "exact I", "exact 0"],
    "Written.last": ["intros n m", "apply Nat.add_comm"],
}

Make = Callable[..., RocqEnvironment]


@pytest.fixture
def make(server: tuple[str, ...], tmp_path: Path) -> Iterator[Make]:
    """Environments over a text."""
    made: list[RocqEnvironment] = []

    def over(text: str = TEXT, **options: object) -> RocqEnvironment:
        path = tmp_path / "Written.v"
        path.write_text(text)
        made.append(RocqEnvironment(RocqConfig(file=path, **options), tmp_path / "cache"))  # type: ignore[arg-type]
        return made[-1]

    yield over
    for environment in made:
        environment.close()


def test_lemmas_are_listed_in_order_and_found_by_the_end_of_their_names(make: Make) -> None:
    environment = make()
    listed = environment.theorems()
    assert [theorem.name for theorem in listed] == list(PROOFS)
    assert [theorem.position for theorem in listed] == [0, 1, 2, 3]
    assert environment.theorem("swap") == environment.theorem("Inner.swap") == listed[1]
    assert listed[1].source.endswith("Written.v:5")


def test_an_unknown_or_ambiguous_name_is_told(make: Make) -> None:
    environment = make(f"{TEXT}Module Other. Lemma swap : True. Proof. exact I. Qed. End Other.\n")
    with pytest.raises(UsageError, match="did you mean 'first"):
        environment.theorem("frst")
    with pytest.raises(UsageError, match=r"2 lemmas 'swap': Written.Inner.swap, Written.Other.swap"):
        environment.theorem("swap")


def test_a_prover_goes_on_with_the_next_lemma_of_its_file(make: Make) -> None:
    environment = make()
    pids = set()
    for theorem in environment.theorems():
        session = environment.open(theorem)
        assert isinstance(session.initial(), Advanced)
        pids.add(session._transport._process.pid)  # type: ignore[attr-defined]
        assert environment.usage() == Usage()
        session.close()
        assert environment.usage().processes == 1
    assert len(pids) == 1
    environment.renew()
    assert environment.usage() == Usage()


def test_two_sessions_at_once_have_provers_of_their_own(make: Make) -> None:
    environment = make()
    one, other = (environment.open(theorem) for theorem in environment.theorems()[:2])
    assert "A /\\ B" in one.initial().state.text  # type: ignore[union-attr]
    assert "B /\\ A" in other.initial().state.text  # type: ignore[union-attr]
    one.close()
    other.close()
    environment.close()
    assert not [child for child in psutil.Process().children() if child.name().startswith("coqidetop")]


def test_an_interrupted_prover_is_not_used_again(make: Make) -> None:
    environment = make()
    session = environment.open(environment.theorems()[0])
    session.initial()
    session.interrupt()
    session.close()
    assert environment.usage() == Usage()
    again = environment.open(environment.theorems()[0])
    assert isinstance(again.initial(), Advanced)
    again.close()


@pytest.mark.parametrize("name", list(PROOFS))
def test_a_path_is_written_as_people_write_it_and_accepted(make: Make, name: str) -> None:
    environment = make()
    theorem = environment.theorem(name)
    proof = environment.write_proof(theorem, PROOFS[name])
    assert "Timeout" not in proof
    assert proof.count(theorem.statement) == 1
    verdict = environment.verify(theorem, proof)
    assert verdict.proved, verdict.message


def test_what_is_left_without_a_value_is_unshelved_in_the_written_proof(make: Make) -> None:
    environment = make()
    proof = environment.write_proof(environment.theorem("any"), PROOFS["Written.Inner.any"])
    assert "exact I.\n  Unshelve.\n  exact 0.\n" in proof


def test_a_path_that_does_not_finish_is_told(make: Make) -> None:
    environment = make()
    theorem = environment.theorem("first")
    with pytest.raises(ProofError, match="doesn't finish"):
        environment.write_proof(theorem, ["intros A B a b"])
    with pytest.raises(ProofError, match="step 1, 'foo'"):
        environment.write_proof(theorem, ["foo"])
    with pytest.raises(ProofError, match="step 2 is behind the end"):
        environment.write_proof(theorem, ["firstorder", "auto"])


def test_parts_that_were_proved_one_by_one_make_a_proof(make: Make) -> None:
    environment = make()
    theorem = environment.theorem("first")
    session = environment.open(theorem)
    state = session.step(session.initial().state, "intros A B a b; split").state  # type: ignore[union-attr]
    parts = session.parts(state)
    assert [session.step(part, "assumption") for part in parts] == [Finished(), Finished()]
    session.close()
    proof = environment.write_proof(theorem, ["intros A B a b; split", "assumption", "assumption"])
    assert environment.verify(theorem, proof).proved


def test_a_share_of_the_files_is_demonstrated(server: tuple[str, ...], tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"File{number}.v").write_text("Lemma true : True.\nProof. exact I. Qed.\n")

    def demonstrated(share: float) -> set[str]:
        environment = RocqEnvironment(RocqConfig(file=tmp_path, learn=share), tmp_path / "cache")
        found = {step.theorem.name for step in environment.demonstrations(environment.theorems())}
        fingerprints.add(environment.fingerprint()["demonstrations"])
        environment.close()
        return found

    fingerprints: set[str] = set()
    some, more = demonstrated(0.3), demonstrated(0.7)
    assert set() < some < more < demonstrated(1.0)
    assert len(fingerprints) == 3


def test_it_conforms(make: Make, tmp_path: Path) -> None:
    make()
    config = RocqConfig(file=tmp_path / "Written.v", timeout=2)
    with SampleBuilder(cache=tmp_path / "cache") as builder:
        report = check_environment(
            make_environment,
            config,
            builder=builder,
            count=2,
            proofs=PROOFS,
            endless="do 1000000000 idtac",
            cheats={"Written.first": ["Lemma first : True. Proof. exact I. Qed.", "Axiom boom : False."]},
        )
    assert report.names("skipped") == [
        "a crash is a value",
        "many tactics equal singles",
        "released states steppable",
        "moves hold",
        "a theorem hides itself",
    ]
