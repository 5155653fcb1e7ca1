"""Calls of an object's methods from other processes and machines: how workers ask a model that lives elsewhere.

One TCP connection a worker, on which the worker sends a call and waits for its answer. Both ends prove first that they
know a secret; what is sent after that is pickled. While a worker waits, the other end may ask it in turn about objects
that can't be sent, such as the moves of a state, which need its prover.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from proofsearch.protocols import ModelAddress
from proofsearch.workers.serving import to_proofsearch_error

MODEL_GONE = 75
"""What a worker exits with whose model is gone (``EX_TEMPFAIL``): the next attempt may find another."""

_SECONDS_TO_GREET = 30.0
"""How long a stranger may take to prove that it knows the secret."""

_SILENCE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))
"""After how long a machine that went away without a word is taken for gone, where the system can be told."""


@dataclass(frozen=True, slots=True)
class Call:
    """Wants an attribute of the object, called with arguments where it is a method."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Asks a caller that waits about one of the objects that it kept to itself."""

    index: int
    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """Whether the caller may ask from now on, because it is at a job; gets no answer."""

    begins: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was returned, or else raised."""

    value: Any = None
    error: Exception | None = None

    def result(self) -> Any:
        """The value.

        Raises:
            Exception: what was raised instead.
        """
        if self.error is not None:
            raise self.error
        return self.value


def answer(function: Callable[[], Any]) -> Answer:
    """Calls a function and keeps what it returns or raises."""
    try:
        return Answer(function())
    except MemoryError as error:
        return Answer(error=error)
    # Whatever a component raises belongs to the search that asked.
    except Exception as error:
        return Answer(error=to_proofsearch_error(error))


class CallServer:
    """Answers calls of the methods of one object, a thread a caller.

    Args:
        target: the object, whose methods may be called by several threads.
        working: a context in which a caller's thread is while that caller is at a job.
        adapt: gets the arguments of a call, and what asks its caller; returns the arguments to call with.
        host: the address to listen at, by which other machines reach this one.

    Attributes:
        address: where it listens, with the secret.
    """

    def __init__(
        self,
        target: object,
        working: Callable[[], AbstractContextManager[None]],
        adapt: Callable[[tuple[Any, ...], Callable[[Question], Any]], tuple[Any, ...]],
        host: str,
    ) -> None:
        self._target = target
        self._working = working
        self._adapt = adapt
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, 0), family=family, backlog=1024)
        self.address = ModelAddress(host, self._socket.getsockname()[1], secrets.token_bytes(32))
        threading.Thread(target=self._accept, name="proofsearch calls", daemon=True).start()

    def close(self) -> None:
        """Takes no more callers. Idempotent."""
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                joined, _ = self._socket.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(joined,), name="proofsearch caller", daemon=True).start()

    def _serve(self, joined: socket.socket) -> None:
        # A caller that ends, or is killed, ends its connection; that costs nobody else anything.
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            connection = _greeted(joined, self.address.secret, first=True)
            with connection, contextlib.ExitStack() as at_work:
                while True:
                    message = connection.recv()
                    if isinstance(message, Work):
                        at_work.close()
                        if message.begins:
                            at_work.enter_context(self._working())
                    else:
                        connection.send(self._answer(connection, message))

    def _answer(self, connection: Connection[Any, Any], call: Call) -> Answer:
        asking = threading.Lock()  # the question may come from whichever thread makes the call for several callers

        def ask(question: Question) -> Any:
            with asking:
                connection.send(question)
                answered: Answer = connection.recv()
            return answered.result()

        def called() -> Any:
            value = getattr(self._target, call.name)
            return value(*self._adapt(call.arguments, ask)) if callable(value) else value

        return answer(called)


class Caller:
    """A worker's end: calls the methods of an object that lives elsewhere.

    Where that is gone this process ends, with :data:`MODEL_GONE`: a search that went on without its model would have
    another result than it should. The job is then tried again.
    """

    def __init__(self, address: ModelAddress, what: str) -> None:
        self._where = f"{what} at {address.host}:{address.port}"
        try:
            joined = socket.create_connection((address.host, address.port), timeout=_SECONDS_TO_GREET)
            self._connection = _greeted(joined, address.secret, first=False)
        except (OSError, EOFError, AuthenticationError) as error:
            self._give_up(error)

    def call(self, name: str, *arguments: Any, kept: tuple[Any, ...] = ()) -> Any:
        """What a method returns, or the value of an attribute.

        Args:
            name: of the method or attribute.
            arguments: of the method; pickled.
            kept: what the other end may ask about meanwhile, by its place.

        Raises:
            Exception: what it raised there.
        """
        try:
            self._connection.send(Call(name, arguments))
            while isinstance(message := self._connection.recv(), Question):
                self._connection.send(answer(partial(_about, kept, message)))
        except (OSError, EOFError) as error:
            self._give_up(error)
        answered: Answer = message
        return answered.result()

    def work(self, begins: bool) -> None:
        """Says that a job begins or has ended."""
        with contextlib.suppress(OSError):  # the next call finds out
            self._connection.send(Work(begins))

    def close(self) -> None:
        """Ends the connection. Idempotent."""
        self._connection.close()

    def _give_up(self, error: Exception) -> NoReturn:
        # Nothing gentler gets through: the guards take whatever a component raises for its own failure, which a search
        # survives.
        print(f"the {self._where} is gone: {error}; this worker ends", file=sys.stderr, flush=True)
        os._exit(MODEL_GONE)


def _about(kept: tuple[Any, ...], question: Question) -> Any:
    return getattr(kept[question.index], question.name)(*question.arguments)


def _greeted(joined: socket.socket, secret: bytes, *, first: bool) -> Connection[Any, Any]:
    """A connection whose other end has proved that it knows the secret; nothing is unpickled before.

    Raises:
        AuthenticationError: it doesn't know it.
    """
    joined.settimeout(_SECONDS_TO_GREET)
    joined.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    joined.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SILENCE:
        if hasattr(socket, name):
            joined.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    nonce = os.urandom(32)
    with contextlib.ExitStack() as undo:
        undo.callback(joined.close)
        joined.sendall(nonce)
        theirs = _read(joined, 32)
        # The roles are in what is proved, so that a stranger can't give back what it was sent.
        joined.sendall(_proof(secret, theirs, first))
        if not hmac.compare_digest(_read(joined, 32), _proof(secret, nonce, not first)):
            raise AuthenticationError("the other end doesn't know the secret")
        undo.pop_all()
    joined.settimeout(None)
    return Connection(joined.detach())


def _proof(secret: bytes, nonce: bytes, first: bool) -> bytes:
    return hmac.digest(secret, nonce + (b"server" if first else b"caller"), "sha256")


def _read(joined: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = joined.recv(size - len(data))
        if not more:
            raise EOFError("the other end went away")
        data += more
    return data
