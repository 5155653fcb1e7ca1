"""Petanque's protocol, against answers that are written down: no ``pet`` is needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.session import RocqSession
from proofsearch_rocq.transport.interface import Failure, Goals, OpenGoal, Place
from proofsearch_rocq.transport.petanque import Petanque
from proofsearch_rocq.transport.process import DeadlineError

from proofsearch import Crashed, Finished, Rejected, TimedOut
from proofsearch.process.recovery import LostError

COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_pet.py")))
TEXT = "Definition three := 3.\nLemma both : True /\\ True.\n"


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[tuple[str, dict[str, object]]]]:
    """What ``pet`` was asked so far."""
    log = tmp_path / "asked"
    log.touch()
    monkeypatch.setenv("PET_LOG", str(log))
    return lambda: [tuple(json.loads(line)) for line in log.read_text().splitlines()]


@pytest.fixture
def lemma(lemma_in: Callable[..., Lemma]) -> Lemma:
    return lemma_in(TEXT)


@pytest.fixture
def prover(asked: object, lemma: Lemma) -> Iterator[tuple[Petanque, Place]]:
    file = lemma.file
    file = SourceFile(file.path, file.module, ("-Q", "some where", "Some"))
    transport = Petanque(COMMAND, file, 2, 60.0, 300.0, 4 << 30)
    yield transport, Place(Place(transport.start(lemma), lemma.statement), "Proof.")
    transport.close()


def test_it_begins_with_an_empty_file_and_runs_what_stands_before(
    prover: tuple[Petanque, Place], asked: Callable[[], list[tuple[str, dict[str, object]]]]
) -> None:
    transport, root = prover
    assert transport.go(root) == Goals((OpenGoal("Goal", (), "True"),))
    methods = [method for method, _ in asked()]
    assert methods[:2] == ["petanque/setWorkspace", "petanque/get_root_state"]
    run = [params["tac"] for method, params in asked() if method == "petanque/run"]
    assert run[3:6] == ["Definition three := 3.", "Lemma both : True /\\ True.", "Proof."]
    folder = Path(str(asked()[0][1]["root"]).removeprefix("file://"))
    assert (folder / "_CoqProject").read_text() == '-Q\n"some where"\nSome\n'
    transport.close()
    assert not folder.exists()


def test_goals_are_read_whole(prover: tuple[Petanque, Place]) -> None:
    transport, root = prover
    left = OpenGoal("Goal", ("n : nat", "m : nat", "x := 3 : nat"), "n = ?k")
    true = OpenGoal("Goal", (), "True")
    assert transport.trial(root, "(split).") == Goals((left, true), 0, (OpenGoal("k", (), "nat"),), 0)
    assert transport.trial(root, "(focused).") == Goals((left,), 2, (), 0)
    assert transport.trial(root, "(admit).") == Goals((), 0, (), 1)
    hidden = transport.trial(root, "(nil).")
    assert isinstance(hidden, Goals)
    assert hidden.open[0].conclusion == "nil = nil"
    assert hidden.open[0].hidden
    assert transport.trial(root, "Qed.", timed=False) == Goals(())


def test_what_is_refused_says_so(prover: tuple[Petanque, Place]) -> None:
    transport, root = prover
    assert transport.trial(root, "(foo).") == Failure("Coq: The reference foo was not found")
    assert transport.trial(root, "(loops).") == Failure("Coq: Timeout!", timed_out=True)


def test_states_that_are_known_are_not_run_again(
    prover: tuple[Petanque, Place], asked: Callable[[], list[tuple[str, dict[str, object]]]]
) -> None:
    transport, root = prover
    place = Place(root, "(split).", timed=True)
    transport.go(place)
    before = len(asked())
    transport.go(root)
    transport.go(place)
    assert all(method == "petanque/goals" or "Printing" in str(params) for method, params in asked()[before:])


def test_one_that_dies_is_replaced(prover: tuple[Petanque, Place]) -> None:
    transport, root = prover
    place = Place(root, "(split).", timed=True)
    before = transport.go(place)
    with pytest.raises(LostError, match="it ended"):
        transport.trial(place, "(dies).")
    assert transport.usage().processes == 0
    assert transport.go(place) == before


def test_one_that_hangs_is_killed(asked: object, lemma: Lemma) -> None:
    transport = Petanque(COMMAND, lemma.file, 2, 0.1, 300.0, 4 << 30)
    root = Place(transport.start(lemma), lemma.statement)
    with pytest.raises(DeadlineError, match="killed"):
        transport.trial(root, "(hangs).")
    transport.close()


def test_a_session_proves_with_it(asked: object, lemma: Lemma, along: Callable[..., object]) -> None:
    session = RocqSession(
        lemma, Petanque(COMMAND, lemma.file, 2, 60.0, 300.0, 4 << 30), 50_000, lambda used: used.close()
    )
    state = along(session)
    assert session.step(state, "done") == Finished()  # type: ignore[arg-type]
    assert isinstance(session.step(state, "foo"), Rejected)  # type: ignore[arg-type]
    assert isinstance(session.step(state, "admit"), Rejected)  # type: ignore[arg-type]
    assert isinstance(session.step(state, "loops"), TimedOut)  # type: ignore[arg-type]
    assert isinstance(session.step(state, "dies"), Crashed)  # type: ignore[arg-type]
    assert session.step(state, "done") == Finished()  # type: ignore[arg-type]
    session.interrupt()
    assert isinstance(session.step(state, "done"), TimedOut)  # type: ignore[arg-type]
    session.close()
