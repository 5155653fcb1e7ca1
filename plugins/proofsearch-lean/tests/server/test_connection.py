"""The talk with a language server, and what becomes of it when the server doesn't keep to the protocol."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest
from proofsearch_lean.server import connection as module
from proofsearch_lean.server.connection import Connection, ConnectionLostError, Mailbox

HANGS = 600.0
"""Seconds that only a hang reaches."""


@contextmanager
def scripted(behaviour: str, tmp_path: Path, timeout: float = HANGS) -> Iterator[Connection]:
    server = Path(__file__).with_name("scripted.py")
    with closing(Connection([sys.executable, "-S", str(server), behaviour], tmp_path, timeout)) as connection:
        yield connection


def ask(connection: Connection, **params: object) -> object:
    box: Mailbox = queue.SimpleQueue()
    connection.send(connection.request(box, "test/echo", params))
    answer = box.get(timeout=HANGS)
    return None if answer is None else answer["result"]


@pytest.mark.parametrize("behaviour", ["plain", "chatty", "asking"])
def test_requests_are_answered(behaviour: str, tmp_path: Path) -> None:
    with scripted(behaviour, tmp_path) as connection:
        for number in range(20):
            assert ask(connection, number=number, text="⊢ 𝔸") == {"echo": {"number": number, "text": "⊢ 𝔸"}}


def test_each_thread_gets_its_own_answers(tmp_path: Path) -> None:
    with scripted("plain", tmp_path) as connection:
        wrong: list[object] = []

        def talk(name: int) -> None:
            for number in range(50):
                expected = {"echo": {"of": name, "number": number}}
                wrong.extend([answer] if (answer := ask(connection, of=name, number=number)) != expected else [])

        threads = [threading.Thread(target=talk, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANGS)
        assert not wrong


@pytest.mark.parametrize("behaviour", ["garbage", "cut", "list"])
def test_who_waits_learns_of_the_end(behaviour: str, tmp_path: Path) -> None:
    with scripted(behaviour, tmp_path) as connection:
        assert ask(connection) is None
        assert connection.lost
        with pytest.raises(ConnectionLostError):
            ask(connection)


def test_a_killed_server_is_lost(tmp_path: Path) -> None:
    with scripted("plain", tmp_path) as connection:
        box: Mailbox = queue.SimpleQueue()
        waiting = connection.request(box, "never/sent", {})
        psutil.Process(connection.pid).kill()
        assert box.get(timeout=HANGS) is None
        assert connection.lost
        connection.forget([waiting])


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ConnectionLostError, match="no such program can't be started: No such file"):
        Connection(["no such program"], tmp_path, HANGS)
    with pytest.raises(
        ConnectionLostError, match="the server ended as it was started; it said: no such option: --server"
    ):
        scripted("dead", tmp_path).__enter__()
    with pytest.raises(ConnectionLostError, match="the server refused: not today"):
        scripted("refuse", tmp_path).__enter__()
    with pytest.raises(ConnectionLostError, match=r"no answer within 0\.3 s"):
        scripted("mute", tmp_path, timeout=0.3).__enter__()


def test_last_words_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a server's output is often heard before what it said of it."""
    drain = Connection._drain

    def late(connection: Connection, stream: IO[bytes]) -> None:
        assert connection._lost.wait(HANGS)
        drain(connection, stream)

    monkeypatch.setattr(Connection, "_drain", late)
    with pytest.raises(ConnectionLostError, match="it said: no such option: --server"):
        scripted("dead", tmp_path).__enter__()


def test_a_server_that_takes_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WRITE", 0.2)
    with scripted("deaf", tmp_path) as connection:
        with pytest.raises(ConnectionLostError, match="takes nothing any more"):
            ask(connection, text="x" * 1_000_000)
        psutil.Process(connection.pid).wait(HANGS)


def test_nothing_is_left_of_a_closed_one(tmp_path: Path) -> None:
    with scripted("plain", tmp_path) as connection:
        process = psutil.Process(connection.pid)
    assert not process.is_running()
    connection.close()
    threads = [thread for thread in threading.enumerate() if thread in connection._readers]
    assert not threads


def test_the_last_words_are_kept_and_bounded(tmp_path: Path) -> None:
    with scripted("chatty", tmp_path) as connection:
        ask(connection)
        psutil.Process(connection.pid).kill()
        for reader in connection._readers:
            reader.join(HANGS)
        assert connection.last_words().endswith("noise noise")
        assert len(connection.last_words()) < 1000
