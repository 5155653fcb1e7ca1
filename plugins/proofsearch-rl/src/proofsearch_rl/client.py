"""A client of ``proofsearch serve``: episodes in another process, or on another machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

from proofsearch.errors import ProofsearchError
from proofsearch_rl.turn import Turn, from_json

TOKEN_VARIABLE = "PROOFSEARCH_TOKEN"
"""The environment variable that says the token, to the server and to its clients."""


class ServedError(ProofsearchError):
    """The server could not do what was asked, or is not there.

    Args:
        message: why.
        code: the server's code for it; empty where the server was not there to say one.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Client:
    """A connection to a server, with any number of sessions. Not shared between threads.

    Args:
        url: of the server, as ``proofsearch serve`` says it.
        token: the server's token.
        timeout: seconds to wait for the connection and for an answer.

    Raises:
        ServedError: there is no server, or it refuses.
    """

    def __init__(self, url: str, token: str, timeout: float = 120.0) -> None:
        self._url = url
        self._timeout = timeout
        self._open = ExitStack()
        try:
            connecting = connect(
                url,
                additional_headers={"Authorization": f"Bearer {token}"},
                open_timeout=timeout,
                max_size=None,
                compression=None,
                proxy=None,
            )
            self._socket: ClientConnection = self._open.enter_context(connecting)
        except InvalidStatus as error:
            raise ServedError(f"{url}: {_said(error.response.body)}") from None
        except (OSError, InvalidHandshake, InvalidURI, EOFError) as error:
            raise ServedError(f"{url}: no server answers there: {error}; start one with proofsearch serve") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnects, which ends the sessions. Idempotent."""
        self._open.close()

    def session(self, number: int = 0) -> ServedEpisode:
        """One of the sessions, as an episode.

        Args:
            number: which, as this client counts. It begins with its first reset.
        """
        return ServedEpisode(self, number)

    def theorems(self, split: str = "train") -> Sequence[str]:
        """The names of the theorems of a split, in the library's order."""
        names: list[str] = self._ask({"type": "theorems", "data": {"split": split}}, "theorems")["names"]
        return names

    def request(self, kind: str, session: int = 0, **data: Any) -> Turn:
        """Asks for one thing.

        Args:
            kind: ``"reset"`` or ``"step"``.
            session: which session.
            **data: what goes with it.

        Raises:
            ServedError: the server could not do it, or is gone.
        """
        return from_json(self._ask({"type": kind, "session": session, "data": data}, "observation"))

    def many(self, kind: str, data: Mapping[int, Mapping[str, Any]]) -> dict[int, Turn | ServedError]:
        """Asks for the same of many sessions in one message.

        Args:
            kind: ``"reset"`` or ``"step"``.
            data: by session, what goes with it.

        Returns:
            By session the turn, or why there is none.

        Raises:
            ServedError: the server is gone.
        """
        parts = [{"type": kind, "session": number, "data": dict(given)} for number, given in data.items()]
        answers = self._ask({"type": "many", "data": parts}, "many")
        return {number: _turn(answer) for number, answer in zip(data, answers, strict=True)}

    def end(self, session: int) -> None:
        """Ends a session.

        Raises:
            ServedError: the server is gone.
        """
        self._ask({"type": "close", "session": session}, "closed")

    def _ask(self, message: Mapping[str, Any], expected: str) -> Any:
        try:
            self._socket.send(json.dumps(message))
            answer = json.loads(self._socket.recv(self._timeout))
        except TimeoutError:
            self.close()  # the answer that is still to come would be taken for the next one's
            raise ServedError(f"{self._url}: no answer within {self._timeout:g} s; disconnected") from None
        except ConnectionClosed as error:
            closed = error.rcvd
            why = f"{closed.code} {closed.reason}".strip() if closed is not None else "the connection broke"
            raise ServedError(f"{self._url}: disconnected: {why}") from None
        if answer["type"] != expected:
            raise _error(answer)
        return answer["data"]


class ServedEpisode:
    """An episode that a server has; it is used like :class:`proofsearch_rl.episode.Episode`.

    Args:
        client: the connection.
        number: of the session.
    """

    def __init__(self, client: Client, number: int) -> None:
        self._client = client
        self._number = number

    def reset(self, theorem: str) -> Turn:
        """Begins a theorem anew.

        Raises:
            ServedError: the server can't.
        """
        return self._client.request("reset", self._number, theorem=theorem)

    def step(self, tactic: str) -> Turn:
        """Tries a tactic at the state.

        Raises:
            ServedError: the server can't, or ended the session.
        """
        return self._client.request("step", self._number, tactic=tactic)

    def close(self) -> None:
        """Ends the session. Idempotent."""
        self._client.end(self._number)


def _turn(answer: Mapping[str, Any]) -> Turn | ServedError:
    return from_json(answer["data"]) if answer["type"] == "observation" else _error(answer)


def _error(answer: Mapping[str, Any]) -> ServedError:
    if answer["type"] != "error":
        return ServedError(f"the server answered {answer['type']!r}, which was not asked for")
    return ServedError(answer["data"]["message"], answer["data"]["code"])


def _said(body: bytes | bytearray | None) -> str:
    try:
        return str(json.loads(body or b"")["error"])
    except (ValueError, KeyError, TypeError):
        return "the server refuses the connection"
