"""Calls between processes: what is answered, who is let in, and what ends with whom."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from proofsearch.errors import InputError, ProofsearchError
from proofsearch.protocols import ModelAddress
from proofsearch.workers.calls import MODEL_GONE, Caller, CallServer, Question

GUARD = 600.0
"""Seconds after which a test gives up waiting; nothing depends on how fast anything is."""


class Target:
    """What is called."""

    width = 3

    def __init__(self) -> None:
        self.met = threading.Barrier(2)
        self.at_work: list[str] = []
        self.left = threading.Event()

    def double(self, number: int) -> int:
        return 2 * number

    def meet(self) -> str:
        self.met.wait(GUARD)
        return "met"

    def refuse(self) -> None:
        raise InputError("no such model")

    def fail(self) -> None:
        raise ValueError("a bug")

    def ask(self, question: Callable[[str], Any]) -> Any:
        return question("upper")

    @contextmanager
    def working(self) -> Iterator[None]:
        self.at_work.append("in")
        try:
            yield
        finally:
            self.at_work.append("out")
            self.left.set()


def adapt(arguments: tuple[Any, ...], ask: Callable[[Question], Any]) -> tuple[Any, ...]:
    return tuple((lambda name: ask(Question(0, name))) if one == "ask me" else one for one in arguments)


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.fixture
def server(target: Target) -> Iterator[CallServer]:
    made = CallServer(target, target.working, adapt, "127.0.0.1")
    yield made
    made.close()


@pytest.fixture
def caller(server: CallServer) -> Iterator[Caller]:
    made = Caller(server.address, "model 'x'")
    yield made
    made.close()


def test_methods_and_attributes_are_answered(caller: Caller) -> None:
    assert caller.call("double", 21) == 42
    assert caller.call("width") == 3


def test_what_is_raised_there_is_raised_here(caller: Caller) -> None:
    with pytest.raises(InputError, match="no such model") as refused:
        caller.call("refuse")
    assert "in refuse" in refused.value.trace
    with pytest.raises(ProofsearchError, match="ValueError: a bug"):
        caller.call("fail")
    assert caller.call("double", 1) == 2, "the connection is as good as before"


def test_several_callers_are_answered_at_once(server: CallServer, caller: Caller) -> None:
    other = Caller(server.address, "model 'x'")
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(other.call("meet")))
    thread.start()
    answers.append(caller.call("meet"))
    thread.join(GUARD)
    other.close()
    assert answers == ["met", "met"]


def test_what_a_caller_keeps_is_asked_about_while_it_waits(caller: Caller) -> None:
    assert caller.call("ask", "ask me", kept=("kept here",)) == "KEPT HERE"
    with pytest.raises(ProofsearchError, match="has no attribute 'upper'"):
        caller.call("ask", "ask me", kept=(7,))
    assert caller.call("double", 1) == 2


def test_a_caller_is_at_work_until_it_says_otherwise_or_is_gone(target: Target, caller: Caller) -> None:
    caller.work(True)
    caller.call("double", 1)
    assert target.at_work == ["in"]
    caller.work(False)
    caller.call("double", 1)
    assert target.at_work == ["in", "out"]
    target.left.clear()
    caller.work(True)
    caller.call("double", 1)
    caller.close()
    assert target.left.wait(GUARD)
    assert target.at_work == ["in", "out"] * 2


def test_who_does_not_know_the_secret_gets_nothing(server: CallServer, caller: Caller) -> None:
    with socket.create_connection((server.address.host, server.address.port), timeout=GUARD) as stranger:
        nonce = stranger.recv(32)
        stranger.sendall(nonce + nonce)  # what it was sent itself
        rest = b""
        with contextlib.suppress(ConnectionError):
            while more := stranger.recv(1024):
                rest += more
    assert len(rest) <= 32, "a proof at most, no message"
    assert caller.call("double", 2) == 4
    assert "secret" not in repr(server.address)


@pytest.mark.parametrize("when", ["before", "while"])
def test_a_caller_whose_model_is_gone_ends_its_process(when: str, server: CallServer) -> None:
    """A search that went on without it would end with another result."""
    address = server.address
    if when == "before":
        address = dataclasses.replace(address, secret=secrets.token_bytes(32))
    program = f"""
    from proofsearch.protocols import ModelAddress
    from proofsearch.workers.calls import Caller
    try:
        caller = Caller(ModelAddress({address.host!r}, {address.port}, {address.secret!r}), "model 'x'")
        print(caller.call("double", 4), flush=True)
        caller._connection.close()
        caller.call("double", 4)
    except BaseException:
        pass
    print("went on")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=GUARD, check=False
    )
    assert done.returncode == MODEL_GONE
    assert done.stdout == {"before": "", "while": "8\n"}[when]
    assert f"the model 'x' at {address.host}:{address.port} is gone" in done.stderr


def test_an_address_can_be_compared_and_sent(server: CallServer) -> None:
    assert server.address == ModelAddress(server.address.host, server.address.port, server.address.secret)
