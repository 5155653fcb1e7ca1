"""The XML protocol, spoken with a real prover."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.transport.coqidetop import Coqidetop
from proofsearch_rocq.transport.interface import Failure, Goals, Place
from proofsearch_rocq.transport.process import DeadlineError

from proofsearch.process.recovery import LostError

LEMMA = "Lemma two : forall n m : nat, n + 0 = n /\\ m = m.\n"


@pytest.fixture
def prover(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> Iterator[tuple[Coqidetop, Place]]:
    """One for a file with a lemma, and the place behind ``Proof.``."""
    lemma = lemma_in(f"Definition three := 3.\n{LEMMA}")
    transport = Coqidetop(server, lemma.file, 20, 60.0, 300.0, 4 << 30)
    yield transport, Place(Place(transport.start(lemma), lemma.statement), "Proof.")
    transport.close()


def goals_at(transport: Coqidetop, place: Place) -> Goals:
    found = transport.go(place)
    assert isinstance(found, Goals), found
    return found


def test_hypotheses_come_one_by_one(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    found = goals_at(transport, Place(root, "(intros n m; split).", timed=True))
    assert [goal.hypotheses for goal in found.open] == [("n : nat", "m : nat")] * 2
    assert [goal.conclusion for goal in found.open] == ["n + 0 = n", "m = m"]
    assert (found.background, found.shelved, found.given_up) == (0, (), 0)


def test_a_trial_leaves_the_place_as_it_was(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    before = goals_at(transport, root)
    assert isinstance(transport.trial(root, "(intros n)."), Goals)
    assert transport.trial(root, "(foo).") == Failure("The reference foo was not found in the current environment.")
    refused = transport.trial(root, "(intros n.")
    assert isinstance(refused, Failure)
    assert "Syntax error" in refused.message
    assert goals_at(transport, root) == before


def test_it_goes_from_branch_to_branch(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    intros = Place(root, "(intros n m).", timed=True)
    left = Place(Place(intros, "(split).", timed=True), "(auto).", timed=True)
    right = Place(intros, "(exact (conj (eq_sym (plus_n_O n)) eq_refl)).", timed=True)
    seen = {place: goals_at(transport, place) for place in (root, intros, left, right)}
    assert seen[right].done
    for place in (left, root, right, left, intros, right, root):
        assert goals_at(transport, place) == seen[place]


def test_what_was_just_tried_is_not_run_again(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    tried = transport.trial(root, "(intros n m; idtac).")
    told: list[bytes] = []
    send = transport._process.send  # type: ignore[union-attr]
    transport._process.send = lambda data, until: (told.append(data), send(data, until))[1]  # type: ignore
    place = Place(root, "(intros n m; idtac).", timed=True)
    assert goals_at(transport, place) == tried
    assert b"idtac" not in b"".join(told)
    assert isinstance(transport.trial(place, "(foo)."), Failure)
    assert goals_at(transport, Place(place, "(fail || split).", timed=True)).open
    assert goals_at(transport, place) == tried


def test_a_place_that_can_not_be_reached_fails_and_others_are_reached(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    assert isinstance(transport.go(Place(Place(root, "(intros n m)."), "(foo).")), Failure)
    assert goals_at(transport, root).open[0].conclusion.startswith("forall n m")


def test_what_is_not_printed_whole_is_marked(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> None:
    for depth in (10, 120):
        deep = "S (" * depth + "m" + ")" * depth
        lemma = lemma_in(f"Parameter P : nat -> Prop.\nLemma deep : forall m, P m -> P ({deep}).\n")
        transport = Coqidetop(server, lemma.file, 20, 60.0, 300.0, 4 << 30)
        try:
            (goal,) = goals_at(transport, Place(transport.start(lemma), lemma.statement)).open
        finally:
            transport.close()
        assert goal.cut == (depth > 50)
        assert goal.cut or goal.conclusion.count("S") == depth


def test_what_is_implicit_is_said_when_it_is_asked_for(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> None:
    lemma = lemma_in("Lemma hidden : exists A, @nil A = @nil A.\n")
    transport = Coqidetop(server, lemma.file, 20, 60.0, 300.0, 4 << 30)
    try:
        place = Place(Place(transport.start(lemma), lemma.statement), "(eexists).", timed=True)
        found = goals_at(transport, place)
        assert "?A" not in found.open[0].conclusion
        assert "?A" in transport.full_names()[0]
        assert goals_at(transport, place) == found
    finally:
        transport.close()


def test_a_killed_process_is_told_and_the_next_one_goes_on(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    place = Place(root, "(intros n m; split).", timed=True)
    before = goals_at(transport, place)
    (process,) = _provers()
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(LostError, match="SIGKILL"):
        transport.trial(place, "(auto).")
    assert goals_at(transport, place) == before


def test_its_memory_is_bounded(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> None:
    lemma = lemma_in(LEMMA)
    transport = Coqidetop(server, lemma.file, 60, 60.0, 300.0, 1 << 30)
    root = Place(transport.start(lemma), lemma.statement)
    try:
        goals_at(transport, root)
        try:
            outcome = transport.trial(root, "(let n := eval vm_compute in (Nat.pow 2 40) in pose n).")
        except LostError:
            outcome = None
        assert outcome is None or (isinstance(outcome, Failure) and not outcome.timed_out)
        assert goals_at(transport, root).open
    finally:
        transport.close()


def test_one_that_was_interrupted_says_so_for_good(prover: tuple[Coqidetop, Place]) -> None:
    transport, root = prover
    goals_at(transport, root)
    transport.interrupt()
    for _ in range(2):
        with pytest.raises(LostError):
            transport.trial(root, "(auto).")
    assert transport.interrupted
    assert not _provers()


def test_a_prover_that_ignores_everything_is_killed(tmp_path: Path, lemma_in: Callable[..., Lemma]) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text("#!/bin/sh\ntrap '' INT\nwhile :; do sleep 1; done\n")
    deaf.chmod(0o755)
    transport = Coqidetop((str(deaf),), lemma_in(LEMMA).file, 1, 0.1, 0.2, 4 << 30)
    with pytest.raises(DeadlineError, match="killed"):
        transport.go(transport.start(lemma_in(LEMMA)))
    assert not [child for child in psutil.Process().children() if child.name() == "deaf"]


def test_one_that_is_not_there_says_which(lemma_in: Callable[..., Lemma]) -> None:
    lemma = lemma_in(LEMMA)
    transport = Coqidetop(("no-such-prover",), lemma.file, 1, 1.0, 1.0, 4 << 30)
    with pytest.raises(LostError, match="no-such-prover can't be started"):
        transport.go(transport.start(lemma))


_STARTER = """
import sys
from pathlib import Path
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.transport.coqidetop import Coqidetop
from proofsearch_rocq.transport.interface import Place
file = SourceFile(Path(sys.argv[1]), "Written")
lemma = Lemma("two", "two", file, 1, -1, 1, file.sentences[1].text, (), "Qed")
transport = Coqidetop((sys.argv[2],), file, 2, 60.0, 300.0, 4 << 30)
root = Place(transport.start(lemma), lemma.statement)
transport.go(root)
print(transport._process.pid, flush=True)
if sys.argv[3] == "busy":
    transport.trial(root, "(do 1000000000 idtac).")
sys.stdin.read()
"""


@pytest.mark.parametrize("doing", ["busy", "idle"])
def test_nothing_outlives_who_started_it(server: tuple[str, ...], lemma_in: Callable[..., Lemma], doing: str) -> None:
    path = lemma_in(f"Definition three := 3.\n{LEMMA}").file.path
    command = [sys.executable, "-c", _STARTER, str(path), *server, doing]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        process = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    # A tactic under way ends with its time-out, and then the prover finds that its input has ended.
    psutil.wait_procs([process], timeout=600)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _provers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and child.name().startswith("coqidetop")
    ]
