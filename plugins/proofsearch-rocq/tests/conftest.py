"""Files that a test writes, and sessions on them. Where no Rocq is installed, what needs one is skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

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


@pytest.fixture
def lemma_in(tmp_path: Path) -> Callable[..., Lemma]:
    """The last lemma of a text, which becomes a file."""

    def written(text: str, name: str = "Written.v") -> Lemma:
        path = tmp_path / name
        path.write_text(text)
        file = SourceFile(path, path.stem)
        first = max(
            number
            for number, one in enumerate(file.sentences)
            if one.text.startswith(("Lemma ", "Theorem ", "Fixpoint "))
        )
        statement = file.sentences[first].text
        short = statement.split()[1]
        return Lemma(f"{path.stem}.{short}", short, file, first, -1, 1, statement, (), "Qed")

    return written


Opened = Callable[..., RocqSession]


@pytest.fixture
def opened(server: tuple[str, ...], lemma_in: Callable[..., Lemma]) -> Iterator[Opened]:
    """A session for the last lemma of a text."""
    with ExitStack() as stack:

        def open_text(
            text: str, timeout: int = 20, grace: float = 60.0, memory: float = 4.0, max_state: int = 50_000
        ) -> RocqSession:
            lemma = lemma_in(text)
            transport = Coqidetop(server, lemma.file, timeout, grace, 300.0, int(memory * (1 << 30)))
            session = RocqSession(lemma, transport, max_state, lambda used: used.close())
            stack.callback(session.close)
            return session

        yield open_text


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
