"""Library proofs, replayed as a search would have found them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.demonstrations import split_script
from proofsearch_rocq.environment import RocqEnvironment

from proofsearch import Advanced, Finished

Make = Callable[..., RocqEnvironment]


@pytest.fixture
def make(server: tuple[str, ...], tmp_path: Path) -> Iterator[Make]:
    """Environments over a text."""
    made: list[RocqEnvironment] = []

    def over(text: str, **options: object) -> RocqEnvironment:
        path = tmp_path / "Written.v"
        path.write_text(text)
        made.append(RocqEnvironment(RocqConfig(file=path, **options), tmp_path / "cache"))  # type: ignore[arg-type]
        return made[-1]

    yield over
    for environment in made:
        environment.close()


FOUR = "Lemma x : (True /\\ 1 = 1) /\\ (2 = 2 /\\ exists n : nat, n = 3)."
PLAIN = ["split", "split", "exact I", "reflexivity", "split", "reflexivity", "exists 3", "reflexivity"]


@pytest.mark.parametrize(
    ("script", "tactics"),
    [
        ("split. split. exact I. reflexivity. split. reflexivity. exists 3. reflexivity.", PLAIN),
        ("split. - split. + exact I. + reflexivity. - split. + reflexivity. + exists 3. reflexivity.", PLAIN),
        ("split. { split. { exact I. } reflexivity. } split. * reflexivity. * exists 3. reflexivity.", PLAIN),
        ("split. 2: { split. - reflexivity. - exists 3. reflexivity. } split. exact I. reflexivity.", PLAIN),
        (
            "split; split. 4: exists 3. 2-4: reflexivity. exact I.",
            ["split; split", "exact I", "reflexivity", "reflexivity", "exists 3", "reflexivity"],
        ),
        (
            "split; split. all: try exact eq_refl. exact I. exists 3. all: reflexivity.",
            [
                *("split; split", "try exact eq_refl", "exact I", "try exact eq_refl", "try exact eq_refl"),
                *("try exact eq_refl", "exists 3", "reflexivity"),
            ],
        ),
        (
            "split. - split. all: auto. - split. { auto. } 1: exists 3. !: auto.",
            ["split", "split", "auto", "auto", "split", "auto", "exists 3", "auto"],
        ),
        (
            "split. { split; [ | reflexivity ]. exact I. } (* . *) split... exists 3... ",
            ["split", "split; [ | reflexivity ]", "exact I", "(split); (auto)", "(exists 3); (auto)"],
        ),
        (
            "split. eauto. split. easy. simple refine (ex_intro _ ?[n] _). [n]: exact 3. reflexivity.",
            ["split", "eauto", "split", "easy", "simple refine (ex_intro _ ?[n] _)", "exact 3", "reflexivity"],
        ),
    ],
)
def test_replays(script: str, tactics: list[str], make: Make) -> None:
    """Bullets, braces and selectors are resolved into steps on the first goal; these prove the lemma, and check."""
    proof = "Proof with auto." if "..." in script else "Proof."
    environment = make(f"{FOUR}\n{proof}\n{script}\nQed.\n")
    theorem = environment.theorem("x")
    steps = list(environment.demonstrations([theorem]))
    assert environment.skipped_demonstrations == 0
    assert [step.tactic for step in steps] == tactics
    assert [step.remaining for step in steps] == list(range(len(steps), 0, -1))
    verdict = environment.verify(theorem, environment.write_proof(theorem, [step.tactic for step in steps]))
    assert verdict.message == ""


def test_the_states_are_those_of_a_search(make: Make) -> None:
    environment = make(f"{FOUR}\nProof. split. - auto. - split. 2: now exists 3. reflexivity. Qed.\n")
    theorem = environment.theorem("x")
    steps = list(environment.demonstrations([theorem]))
    assert len(steps) == 5
    session = environment.open(theorem)
    outcome = session.initial()
    for step in steps:
        assert isinstance(outcome, Advanced)
        assert outcome.state.text == step.state.text
        outcome = session.step(outcome.state, step.tactic)
    assert isinstance(outcome, Finished)
    session.close()


def test_goals_that_hang_together_are_proved_in_the_proofs_own_order(make: Make) -> None:
    """The second goal says what the variable in the first one is."""
    text = (
        "Lemma x : exists n : nat, n <= 4 /\\ n = 3.\nProof. eexists. split. 2: reflexivity. repeat constructor. Qed.\n"
    )
    environment = make(text)
    steps = list(environment.demonstrations(environment.theorems()))
    assert [step.tactic for step in steps] == ["eexists", "split", "2: reflexivity", "repeat constructor"]


@pytest.mark.parametrize(
    "script",
    [
        "Axiom boom : False. destruct boom.",
        "exact I.",  # wrong: nothing has checked the file
        "split.",
        "split. { auto.",
        "split. } auto.",
        "split. 3: auto.",
        "par: auto.",
        "split. 2: split. 3: exists 3. 3: reflexivity. 2: reflexivity. split. exact I. reflexivity.",  # numbers
        "split. all: split. all: auto. all: now exists 3. auto.",
    ],
)
def test_what_cant_be_replayed_is_counted(script: str, make: Make) -> None:
    good = "Lemma y : True /\\ True.\nProof. split; exact I. Qed.\nLemma z : True. Admitted.\n"
    environment = make(f"{good}{FOUR}\nProof. {script} Qed.\n")
    steps = list(environment.demonstrations(environment.theorems()))
    assert {step.theorem.name for step in steps} == {"Written.y"}
    assert environment.skipped_demonstrations == 1


def test_long_proofs_are_skipped(make: Make) -> None:
    environment = make(f"{FOUR}\nProof. split. auto. split. auto. now exists 3. Qed.\n", max_demonstration=4)
    assert list(environment.demonstrations(environment.theorems())) == []
    assert environment.skipped_demonstrations == 1


@pytest.mark.parametrize(
    ("script", "tactics"),
    [
        ("intros n. simpl. reflexivity.", ["intros n.", "simpl.", "reflexivity."]),
        ("Proof.\n  intros n.\n  reflexivity.\nQed.\nLemma other : True.", ["intros n.", "reflexivity."]),
        ("Lemma a : True.\nProof. exact I. Qed.", ["exact I."]),
        ("split.\n- auto.\n- { lia. }", ["split.", "auto.", "lia."]),
        ("```coq\nintros. (* a comment. *)\nauto.\n```", ["intros.", "auto."]),
        ("intros A B\nrewrite Nat.add_comm\n\nexact a\n", ["intros A B", "rewrite Nat.add_comm", "exact a"]),
        ("", []),
    ],
)
def test_a_whole_proof_is_cut_into_its_sentences(script: str, tactics: list[str]) -> None:
    assert split_script(script) == tactics
