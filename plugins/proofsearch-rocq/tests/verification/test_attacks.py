"""False proofs, none of which may be accepted. Each would deceive a check that looks less closely."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.verification.text import heading

from proofsearch import Verdict

Lemmas = Callable[[str], dict[str, Lemma]]
Checked = Callable[..., Verdict]

HONEST = """Axiom cheat : False.
Lemma unproved : 1 = 2.
Admitted.
Unset Guard Checking.
Fixpoint endless (n : nat) : 1 = 2 := endless n.
Set Guard Checking.
Definition hidden (n : nat) := n = 1 \\/ 1 = 2.
Lemma target : 1 = 2.
Admitted.
Lemma behind : 1 = 2.
Proof. exact target. Qed.
"""
"""A file with lies, and a false lemma that has no proof."""

PLANTED = "Axiom boom : 1 = 2.\n"

ATTACKS = {
    name.strip(): script.strip()
    for name, _, script in (
        block.partition("\n") for block in (Path(__file__).parent / "attacks.txt").read_text().split("== ")[1:]
    )
}


@pytest.fixture(scope="module")
def plants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources and a compiled library."""
    folder = tmp_path_factory.mktemp("plants")
    (folder / "planted.v").write_text(PLANTED)
    (folder / "planted_source.v").write_text(PLANTED)
    compiler = shutil.which("coqc")
    if compiler is not None:
        subprocess.run([compiler, "-q", "planted.v"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def planted(plants: Path, tmp_path: Path) -> None:
    """Puts them beside the file that is checked, where the prover finds them."""
    shutil.copytree(plants, tmp_path, dirs_exist_ok=True)


def believed(verdict: Verdict) -> bool:
    """Whether somebody who asks for audited axioms would take the proof."""
    return verdict.proved and verdict.tier not in ("", "replayed", "kernel")


def test_the_corpus_is_one() -> None:
    assert len(ATTACKS) == len(set(ATTACKS.values())) >= 100


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("attack", ATTACKS)
def test_scripts(attack: str, lemmas: Lemmas, checked: Checked) -> None:
    """The lemma has no proof of its own: only the file's own lies may be rested on, and the verdict says so."""
    lemma = lemmas(HONEST)["target"]
    proof = f"{heading(lemma)}\nProof.\n{ATTACKS[attack]}\nQed.\n"
    verdict = checked(lemma, proof, seconds=1.0 if "without an end" in attack else 600.0)
    if attack in FROM_THE_FILE:
        assert (verdict.proved, verdict.tier, verdict.rests_on) == (True, "kernel", FROM_THE_FILE[attack])
    else:
        assert not verdict.proved
        assert verdict.message


FROM_THE_FILE = {
    "an axiom of the file": ("cheat",),
    "an axiom of the file, by search": ("cheat",),
    "an axiom of the file, hidden": ("cheat",),
    "an unproved lemma of the file": ("unproved",),
    "what the file assumes to end": ("endless is assumed to be guarded.",),
}
"""What is proved from an axiom of the file is proved from it: no attack before the lemma has a proof that doesn't."""


@pytest.mark.parametrize("attack", FROM_THE_FILE)
def test_the_files_own_lies(attack: str, lemmas: Lemmas, checked: Checked) -> None:
    """Where the lemma's own proof does without, the found one has to."""
    lemma = lemmas(HONEST.replace("Lemma target : 1 = 2.\nAdmitted.", "Lemma target : 1 = 1.\nProof. auto. Qed."))[
        "target"
    ]
    script = f"assert (1 = 2) by ({ATTACKS[attack].removesuffix('.')}). reflexivity."
    verdict = checked(lemma, f"{heading(lemma)}\nProof.\n{script}\nQed.\n")
    assert not verdict.proved
    assert verdict.message == f"the library's proof doesn't rest on this: {FROM_THE_FILE[attack][0]}"


FILES: dict[str, Callable[[str], str]] = {
    "another statement": lambda before: before.replace("1 = 2.", "1 = 1.") + "\nProof.\nreflexivity.\nQed.\n",
    "a statement that is longer": lambda before: (
        before.removesuffix(".") + " \\/ True.\nProof.\nright; exact I.\nQed.\n"
    ),
    "a statement that goes on": lambda before: before + "x : True.\nProof.\nexact I.\nQed.\n",
    "an axiom before it": lambda before: f"Axiom boom : 1 = 2.\n{before}\nProof.\nexact boom.\nQed.\n",
    "a notation before it": lambda before: f'Notation "x = y" := True.\n{before}\nProof.\nexact I.\nQed.\n',
    "what stands before is a comment": lambda before: f"(* {before} *)\nLemma target : True.\nProof.\nexact I.\nQed.\n",
    "what stands before is left out": lambda before: "Lemma target : 1 = 2.\nProof.\nexact I.\nQed.\n",
    "between statement and proof": lambda before: f"{before}\nAbort.\nLemma target : True.\nProof.\nexact I.\nQed.\n",
    "behind the statement, a comment": lambda before: f"{before} (* \nProof. *) Admitted.\nQed.\n",
    "Proof with": lambda before: f"{before}\nProof with admit.\nidtac...\nQed.\n",
    "Proof using": lambda before: f"{before}\nProof using cheat.\ndestruct cheat.\nQed.\n",
    "admitted at the end": lambda before: f"{before}\nProof.\nidtac.\nAdmitted.\n",
    "given up at the end": lambda before: f"{before}\nProof.\nidtac.\nAbort.\n",
    "no end": lambda before: f"{before}\nProof.\nidtac.\n",
    "an end in a comment": lambda before: f"{before}\nProof.\nidtac.\n(* Qed. *)\n",
    "something behind the end": lambda before: (
        f"{before}\nProof.\nadmit.\nQed.\nLemma x : True.\nProof.\nexact I.\nQed.\n"
    ),
    "another file": lambda before: "Lemma target : True.\nProof.\nexact I.\nQed.\n",
    "nothing": lambda before: "",
    "the beginning only": lambda before: before,
    "no text": lambda before: f"{before}\nProof.\nidtac\0.\nQed.\n",
    "half a character": lambda before: f"{before}\nProof.\nidtac \ud800.\nQed.\n",
}


@pytest.mark.parametrize("attack", FILES)
def test_files(attack: str, lemmas: Lemmas, checked: Checked) -> None:
    lemma = lemmas(HONEST)["target"]
    verdict = checked(lemma, FILES[attack](heading(lemma)))
    assert not verdict.proved
    assert verdict.message
