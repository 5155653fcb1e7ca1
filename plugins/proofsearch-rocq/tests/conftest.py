"""Files that a test writes, and sessions on them. Where no Rocq is installed, what needs one is skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from proofsearch_rocq import states
from proofsearch_rocq.lemmas import Lemma, SourceFile
from proofsearch_rocq.session import RocqSession
from proofsearch_rocq.transport.coqidetop import Coqidetop

from proofsearch import Advanced

SERVER = next((name for name in ("coqidetop.opt", "coqidetop") if shutil.which(name)), None)

LOGIC = "Lemma both : forall A B : Prop, A -> B -> A /\\ B.\nProof. intros A B a b. split; assumption. Qed.\n"


@pytest.fixture(scope="session")
def server() -> tuple[str, ...]:
    """The command of the prover."""
    if SERVER is None:
        pytest.skip("no coqidetop is installed; apt-get install coq")
    return (SERVER,)


def write_lemma(folder: Path, text: str, name: str = "Written.v") -> Lemma:
    """The last lemma of a text, which becomes a file."""
    path = folder / name
    path.write_text(text)
    file = SourceFile(path, path.stem)
    first = max(
        number for number, one in enumerate(file.sentences) if one.text.startswith(("Lemma ", "Theorem ", "Fixpoint "))
    )
    statement = file.sentences[first].text
    short = statement.split()[1]
    return Lemma(f"{path.stem}.{short}", short, file, first, -1, 1, statement, (), "Qed")


@pytest.fixture
def lemma_in(tmp_path: Path) -> Callable[..., Lemma]:
    """The last lemma of a text, which becomes a file."""
    return partial(write_lemma, tmp_path)


Opened = Callable[..., RocqSession]


def open_session(
    server: tuple[str, ...],
    lemma: Lemma,
    timeout: int = 20,
    grace: float = 60.0,
    memory: float = 4.0,
    max_state: int = 50_000,
) -> RocqSession:
    """A session for a lemma, on a prover of its own."""
    transport = Coqidetop(server, lemma.file, timeout, grace, 300.0, int(memory * (1 << 30)))
    return RocqSession(lemma, transport, max_state, lambda used: used.close())


@pytest.fixture
def opened(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> Iterator[Opened]:
    """A session for the last lemma of a text."""
    with ExitStack() as stack:

        def open_text(text: str, **bounds: Any) -> RocqSession:
            session = open_session(server, lemma_in(text), **bounds)
            stack.callback(session.close)
            return session

        yield open_text


@pytest.fixture(scope="module")
def shared(server: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """The one session for the last lemma of a text that is there for all tests of a module that only step in it."""
    sessions: dict[str, RocqSession] = {}

    def session_on(text: str) -> RocqSession:
        if text not in sessions:
            sessions[text] = open_session(server, write_lemma(tmp_path_factory.mktemp("shared"), text))
        return sessions[text]

    yield session_on
    for session in sessions.values():
        session.close()


@pytest.fixture
def along() -> Callable[..., states.RocqState]:
    """The state that a path leads to."""

    def walk(session: RocqSession, *tactics: str) -> states.RocqState:
        outcome = session.initial()
        for tactic in tactics:
            assert isinstance(outcome, Advanced), outcome
            outcome = session.step(outcome.state, tactic)
        assert isinstance(outcome, Advanced), outcome
        assert isinstance(outcome.state, states.RocqState)
        return outcome.state

    return walk
