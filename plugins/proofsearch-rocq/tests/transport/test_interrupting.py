"""Time-out, interrupt, kill: in this order, and an interrupt only while the prover is at work. No Rocq is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.session import RocqSession
from proofsearch_rocq.states import RocqState
from proofsearch_rocq.transport.coqidetop import Coqidetop

from proofsearch import Advanced, Crashed, TimedOut

COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_coqidetop.py")))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lemma_in: Callable[..., Lemma]) -> Iterator[RocqSession]:
    """One whose prover's own time-out doesn't work."""
    log = tmp_path / "interrupts"
    log.touch()
    monkeypatch.setenv("COQ_LOG", str(log))
    lemma = lemma_in("Lemma any : True.\n")
    # Its grace is what a busy machine needs to write an answer; the time-out passes in any case.
    transport = Coqidetop(COMMAND, lemma.file, 1, 3.0, 300.0, 4 << 30)
    session = RocqSession(lemma, transport, 50_000, lambda used: used.close())
    yield session
    session.close()


@pytest.fixture
def interrupts(tmp_path: Path) -> Callable[[], list[str]]:
    """What it was doing at each interrupt."""
    return lambda: (tmp_path / "interrupts").read_text().split()


def pid(session: RocqSession) -> int:
    found: int = session._transport._process.pid  # type: ignore[attr-defined]
    return found


def root(session: RocqSession) -> RocqState:
    outcome = session.initial()
    assert isinstance(outcome, Advanced)
    assert isinstance(outcome.state, RocqState)
    return outcome.state


def test_it_is_interrupted_while_it_is_at_work_and_goes_on(
    session: RocqSession, interrupts: Callable[[], list[str]]
) -> None:
    state = root(session)
    process = pid(session)
    for number in (2, 4):
        assert isinstance(session.step(state, "slow"), TimedOut)
        assert interrupts() == ["busy"] * number  # its goals are asked for twice
        assert isinstance(session.step(state, "quick"), Advanced)
    assert pid(session) == process
    session.renew()
    session.usage()
    assert interrupts() == ["busy"] * 4


def test_one_that_does_not_listen_is_killed_and_replaced(
    session: RocqSession, interrupts: Callable[[], list[str]]
) -> None:
    state = root(session)
    process = pid(session)
    outcome = session.step(state, "deaf")
    assert isinstance(outcome, TimedOut)
    assert "killed" in outcome.message
    assert isinstance(session.step(state, "quick"), Advanced)
    assert pid(session) not in (0, process)
    assert interrupts() == []


def test_only_a_crash_is_tried_again(session: RocqSession, interrupts: Callable[[], list[str]]) -> None:
    state = root(session)
    outcome = session.step(state, "dies")
    assert isinstance(outcome, Crashed)
    assert "it ended" in outcome.message
    assert isinstance(session.step(state, "quick"), Advanced)
    assert interrupts() == []
