"""The environment: theorems, splits, bad input, and verdicts that nothing wrong passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.database.model import Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.environment import MetamathEnvironment, split_of
from proofsearch_metamath.proofs.statement import ProofText, write_proof_text
from pydantic import ValidationError

from proofsearch import Advanced, Finished, Rejected
from proofsearch.errors import InputError, ProofError, StorageError, UsageError
from proofsearch.protocols import Demonstrates, EnumeratesMoves, Explains, Moves

Open = Callable[..., MetamathEnvironment]


# -- theorems ----------------------------------------------------------------------------------------------------


def test_theorems_are_the_databases(opened: Open, small: str) -> None:
    environment = opened()
    theorems = environment.theorems()
    assert [theorem.name for theorem in theorems] == ["a1i", "a2i", "mpd", "syl", "id", "a1tru"]
    syl = environment.theorem("syl")
    assert syl.statement == "|- ( ph -> ch )"
    assert syl.position == environment.library.frames["syl"].position
    assert syl.proof_length == 2
    line = next(number for number, text in enumerate(small.split("\n"), 1) if "syl $p" in text)
    assert syl.source == f"small.mm:{line}"


def test_the_shipped_database(prefix: MetamathEnvironment) -> None:
    """What the README promises: at least 2,000 theorems of set.mm, in a fixed split."""
    theorems = prefix.theorems()
    assert len(theorems) == 4377
    assert [theorem.position for theorem in theorems] == sorted(theorem.position or 0 for theorem in theorems)
    splits = Counter(theorem.split for theorem in theorems)
    assert splits == {"train": 3402, "validation": 423, "test": 426, "": 126}
    assert prefix.fingerprint()["database"] == "set-prefix.mm"
    assert len(prefix.fingerprint()["sha256"]) == 64


def test_splits_go_by_the_label_alone() -> None:
    """A theorem must not wander between splits when the database grows or another one is chosen."""
    known = {"syl": "train", "id": "train", "com12": "validation", "a1i": "test", "sylOLD": "", "idALT": ""}
    assert {label: split_of(label) for label in known} == known


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sylll", "small.mm has no theorem 'sylll'; did you mean 'syl'?"),
        ("zzzzzz", "small.mm has no theorem 'zzzzzz'"),
        ("", "small.mm has no theorem ''"),
        ("ax-mp", "ax-mp is an axiom, a definition or syntax in small.mm: nothing to prove"),
        ("wi", "wi is an axiom, a definition or syntax in small.mm: nothing to prove"),
        ("weq", "weq is an axiom, a definition or syntax in small.mm: nothing to prove"),
    ],
)
def test_unknown_theorems(name: str, message: str, opened: Open) -> None:
    with pytest.raises(UsageError) as error:
        opened().theorem(name)
    assert str(error.value) == message


def test_the_protocols_of_the_core(opened: Open) -> None:
    environment = opened()
    assert isinstance(environment, Demonstrates)
    assert isinstance(environment, Explains)
    session = environment.open(environment.theorem("syl"))
    assert isinstance(session, EnumeratesMoves)
    outcome = session.initial()
    assert isinstance(outcome, Advanced)
    assert isinstance(session.moves(outcome.state), Moves)
    session.close()
    session.close()
    environment.close()
    environment.close()


# -- bad input ---------------------------------------------------------------------------------------------------


def test_a_missing_database(tmp_path: Path) -> None:
    environment = MetamathEnvironment(MetamathConfig(database=tmp_path / "none.mm"), tmp_path)
    with pytest.raises(InputError, match=r"none\.mm: no such file; give --metamath-database the path of a \.mm data"):
        environment.theorems()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$c wff $.\n$v x", ":2:1: "),
        ("$c wff |- $.\n$v x $.\n wx $f wff x $.\n ax $a |- x x $.\n wff1 $a wff |- x $.", ":4:2: ax: 'x x' is no wff"),
        ("$c wff |- $.\n$( never closed", ":2:1: "),
        ("$c |- $. ax $a |- |- $.", ": the database has no syntax"),
        ("\xff", ":1:1: found the byte 0x"),
    ],
)
def test_broken_databases_are_named_with_the_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.mm"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as error:
        MetamathEnvironment(MetamathConfig(database=path), tmp_path).theorems()
    assert str(error.value).startswith(f"{path}{message}")


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a folder, not a file; give --metamath-database"):
        MetamathEnvironment(MetamathConfig(database=tmp_path), tmp_path / "cache").theorems()


def test_a_cache_that_cannot_be_written(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    with pytest.raises(StorageError, match=r"can't be stored: .*; make room, or choose another folder with PROOF"):
        opened().theorems()


def test_a_database_that_changes_under_a_run(opened: Open, tmp_path: Path) -> None:
    environment = opened()
    theorem = environment.theorem("syl")
    path = tmp_path / "small.mm"
    path.write_text("$( new $)\n" + path.read_text())
    with pytest.raises(InputError, match="the file has changed since it was read"):
        environment.stored_proof_text(theorem)


@pytest.mark.parametrize("field", ["max_goal_size", "max_goals", "max_demonstration"])
def test_options_have_bounds(field: str) -> None:
    with pytest.raises(ValidationError):
        MetamathConfig(**{field: 0})


# -- verdicts ----------------------------------------------------------------------------------------------------


def text_of(environment: MetamathEnvironment, name: str, proof: str, *disjoint: tuple[str, str]) -> str:
    frame = environment.library.frames[name]
    return write_proof_text(ProofText(frame.label, frame.expression, tuple(proof.split()), disjoint))


def refusal(environment: MetamathEnvironment, name: str, text: str) -> str:
    verdict = environment.verify(environment.theorem(name), text)
    assert not verdict.proved
    assert verdict.checker == "proofsearch-metamath 0.1.0 stack machine"
    return verdict.message


LATER = "later $p |- ( ph -> ph ) $= wph id $. laterax $a |- ( ph -> ph ) $. open $p |- ( ps -> ps ) $= wps ? $. "


def test_a_theorem_cannot_cite_itself_or_what_is_later(opened: Open) -> None:
    """Neither in the search nor in a proof that somebody forged."""
    environment = opened(LATER + "after $p |- ( ch -> ch ) $= wch open $.")
    session = environment.open(environment.theorem("id"))
    outcome = session.initial()
    assert isinstance(outcome, Advanced)
    for label in ("id", "later", "laterax", "a1tru"):
        assert isinstance(session.step(outcome.state, label), Rejected)
        with pytest.raises(ProofError, match="does not stand before id"):
            environment.write_proof(environment.theorem("id"), (label,))
    assert "'id', the theorem itself" in refusal(environment, "id", text_of(environment, "id", "wph id"))
    assert "'id', the theorem itself" in refusal(environment, "id", text_of(environment, "id", "( id ) AB"))
    for label in ("later", "laterax"):
        message = refusal(environment, "id", text_of(environment, "id", f"wph {label}"))
        assert f"{label!r}, which stands later" in message
    assert environment.verify(environment.theorem("later"), text_of(environment, "later", "wph id")).proved


def test_what_rests_on_an_unfinished_proof_is_refused(opened: Open) -> None:
    environment = opened(LATER + "after $p |- ( ch -> ch ) $= wch open $. further $p |- ( ch -> ch ) $= wch after $.")
    for name, proof in (("after", "wch open"), ("further", "wch after")):
        assert "own proof is incomplete" in refusal(environment, name, text_of(environment, name, proof))
    assert environment.verify(environment.theorem("further"), text_of(environment, "further", "wch id")).proved


def test_wrong_proofs_are_refused(opened: Open) -> None:
    environment = opened("th2 $p |- ( A = B -> ph ) $= ? $.")
    good = environment.stored_proof_text(environment.theorem("syl"))
    assert environment.verify(environment.theorem("syl"), good).proved
    assert "found a proof of syl $p |- ( ph -> ch ); expected one of id $p" in refusal(environment, "id", good)
    assert "expected one of syl" in refusal(environment, "syl", good.replace("( ph -> ch )", "( ph -> ph )"))
    assert "th2" in refusal(environment, "th2", text_of(environment, "th2", "wph id"))
    assert refusal(environment, "syl", good[: len(good) // 2])
    assert refusal(environment, "syl", "")
    assert "no proof to verify" in refusal(environment, "syl", text_of(environment, "syl", ""))
    assert "unfinished" in refusal(environment, "syl", text_of(environment, "syl", "?"))
    assert "'a1i.1'" in refusal(environment, "syl", text_of(environment, "syl", "a1i.1"))


def test_conditions_on_the_theorems_own_variables_cannot_be_added(opened: Open) -> None:
    """Else any theorem could be weakened into one that is easy to prove."""
    environment = opened("th $p |- ( ps -> A. x ps ) $= ? $.")
    plain = text_of(environment, "th", "wps vx ax-5")
    assert "$d" in refusal(environment, "th", plain)
    forged = text_of(environment, "th", "wps vx ax-5", ("x", "ps"))
    assert "would weaken the theorem" in refusal(environment, "th", forged)
    for pair in (("x", "x"), ("x", "nothing")):
        wrong = text_of(environment, "th", "wps vx ax-5", pair)
        assert "two different variables" in refusal(environment, "th", wrong)


def test_the_librarys_own_proofs_are_accepted(prefix: MetamathEnvironment) -> None:
    """With the $d of their dummy variables, which the prepared frames don't hold."""
    with_dummies = 0
    for theorem in prefix.theorems()[::40]:
        text = prefix.stored_proof_text(theorem)
        verdict = prefix.verify(theorem, text)
        assert verdict.proved, f"{theorem.name}: {verdict.message}"
        with_dummies += "$d" in text
    assert with_dummies > 3


def test_what_proofs_rest_on(prefix: MetamathEnvironment, axiom_index: Callable[[Database], Any]) -> None:
    """Against an index that reads the proofs in the database itself."""
    database = read_database(prefix.path)
    index = axiom_index(database)
    for theorem in prefix.theorems()[::60]:
        verdict = prefix.verify(theorem, prefix.stored_proof_text(theorem))
        expected = index.used([theorem.name])
        assert verdict.rests_on == tuple(sorted(expected.axioms))
        assert not expected.unproved


def test_a_proof_from_hypotheses_alone_rests_on_nothing(opened: Open) -> None:
    environment = opened("${ h.1 $e |- ph $. th $p |- ph $= ? $. $}")
    theorem = environment.theorem("th")
    assert isinstance(environment.open(theorem).initial(), Finished)
    assert environment.verify(theorem, environment.write_proof(theorem, ())).rests_on == ()


# -- for people --------------------------------------------------------------------------------------------------


def test_a_proof_as_a_person_reads_it(opened: Open) -> None:
    environment = opened()
    theorem = environment.theorem("syl")
    expected = (
        "1       syl.1  |- ( ph -> ps )\n"
        "2       syl.2  |- ( ps -> ch )\n"
        "3  2    a1i    |- ( ph -> ( ps -> ch ) )\n"
        "4  1,3  mpd    |- ( ph -> ch )\n"
    )
    assert environment.explain(theorem, environment.stored_proof_text(theorem)) == expected
    assert environment.explain(theorem, environment.write_proof(theorem, ("mpd", "a1i", "hyp 1"))) == expected


def test_only_proofs_of_the_theorem_are_shown(opened: Open) -> None:
    """A wrong proof has no steps to show; it gets a message, not a traceback."""
    environment = opened()
    syl = environment.stored_proof_text(environment.theorem("syl"))
    for name, text in (("id", syl), ("syl", text_of(environment, "syl", "wph wph ax-mp")), ("syl", "nonsense")):
        with pytest.raises(ProofError, match=f"{name}: the proof can't be shown: "):
            environment.explain(environment.theorem(name), text)


# -- other databases ---------------------------------------------------------------------------------------------


def test_a_database_without_wff(opened: Open) -> None:
    """As hol.mm or demo0.mm: other typecodes, no constants of some."""
    environment = opened(
        start="$c 0 + = -> ( ) term form |- $. $v t r s P Q $. "
        "tt $f term t $. tr $f term r $. ts $f term s $. wp $f form P $. wq $f form Q $. "
        "tze $a term 0 $. tpl $a term ( t + r ) $. weq $a form t = r $. wim $a form ( P -> Q ) $. "
        "a1 $a |- ( t = r -> ( t = s -> r = s ) ) $. a2 $a |- ( t + 0 ) = t $. "
        "${ min $e |- P $. maj $e |- ( P -> Q ) $. mp $a |- Q $. $} th1 $p |- t = t $= tt tze tpl tt weq tt tt weq "
        "tt a2 tt tze tpl tt weq tt tze tpl tt weq tt tt weq wim tt a2 tt tze tpl tt tt a1 mp mp $."
    )
    theorem = environment.theorem("th1")
    session = environment.open(theorem)
    outcome = session.initial()
    path: list[str] = []
    while isinstance(outcome, Advanced):
        path.append({0: "mp", 1: "mp"}.get(len(path), "a1" if "-> ( " in outcome.state.goals[0].text else "a2"))
        outcome = session.step(outcome.state, path[-1])
    assert isinstance(outcome, Finished), (path, outcome)
    assert environment.verify(theorem, environment.write_proof(theorem, path)).proved
    steps = list(environment.demonstrations([theorem]))
    assert environment.verify(theorem, environment.write_proof(theorem, [step.tactic for step in steps])).proved


def test_a_database_in_several_files(opened: Open, small: str, tmp_path: Path) -> None:
    (tmp_path / "logic.mm").write_text(small)
    environment = opened(start="$( top $)\n$[ logic.mm $]\n th $p |- ( ps -> ps ) $= wps id $.")
    assert environment.theorem("syl").source.startswith("logic.mm:")
    assert environment.theorem("th").source == "small.mm:3"
    for name in ("syl", "th"):
        theorem = environment.theorem(name)
        assert environment.verify(theorem, environment.stored_proof_text(theorem)).proved
    assert [step.tactic for step in environment.demonstrations([environment.theorem("syl")])] == ["mpd", "a1i", "hyp 1"]
