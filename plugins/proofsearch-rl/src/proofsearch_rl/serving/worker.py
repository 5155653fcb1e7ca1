"""A worker process: it has the environment open, and steps the sessions that are given to it one after another.

It talks to the server on a socket. A frame is the length of its JSON in four bytes and the JSON; requests are lists of
operations, and each operation is answered by a frame, in order, as soon as it is done: so the server knows which one is
under way. The process ends when the socket does.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
from random import Random
from typing import Any, BinaryIO

from proofsearch import open_prover
from proofsearch.errors import ProofsearchError, one_line
from proofsearch.interruption import leave_to_parent
from proofsearch_rl.episode import Episode
from proofsearch_rl.serving.settings import ServeSettings
from proofsearch_rl.theorems import begin_one, theorem_names

HEAD = struct.Struct("!I")
"""The head of a frame: how many bytes follow."""


def frame(data: Any) -> bytes:
    """Plain data as a frame."""
    body = json.dumps(data, separators=(",", ":")).encode()
    return HEAD.pack(len(body)) + body


class Sessions:
    """The sessions of a worker, by the numbers that the server gave them.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._prover = open_prover(settings.env, settings.options, settings.episodes.min_tier)
        self._episodes: dict[int, Episode] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._names_of(settings.split)  # what takes long is done before anyone waits for it

    def close(self) -> None:
        """Closes all of them, and the environment."""
        for number in list(self._episodes):
            self.close_session(number)
        self._prover.close()

    def perform(self, operation: list[Any]) -> Any:
        """Does what the server asks.

        Raises:
            ProofsearchError: it can't be done; the message is for the client.
        """
        name, *arguments = operation
        return getattr(self, _OPERATIONS[name])(*arguments)

    def reset(self, number: int, theorem: str | None, seed: int | None, split: str | None) -> dict[str, Any]:
        """Begins an episode: of that theorem, or of one that is drawn."""
        episode = self._episode(number)
        if theorem is not None:
            return episode.reset(theorem).to_json()
        return begin_one(episode, self._names_of(split or self._settings.split), Random(seed).randrange).to_json()

    def restore(self, number: int, theorem: str, path: list[str], steps: int) -> dict[str, Any]:
        """Takes up an episode that another worker had."""
        return self._episode(number).restore(theorem, path, steps).to_json()

    def step(self, number: int, tactic: str) -> dict[str, Any]:
        """Tries a tactic."""
        return self._episode(number).step(tactic).to_json()

    def close_session(self, number: int) -> None:
        """Ends a session."""
        episode = self._episodes.pop(number, None)
        if episode is not None:
            with contextlib.suppress(ProofsearchError):  # nobody is there to be told
                episode.close()

    def theorems(self, split: str | None) -> list[str]:
        """The names of the theorems of a split."""
        return list(self._names_of(split or self._settings.split))

    def _episode(self, number: int) -> Episode:
        if number not in self._episodes:
            self._episodes[number] = Episode(self._prover, self._settings.episodes)
        return self._episodes[number]

    def _names_of(self, split: str) -> tuple[str, ...]:
        if split not in self._names:
            self._names[split] = theorem_names(self._prover.environment, split)
        return self._names[split]


_OPERATIONS = {
    "reset": "reset",
    "restore": "restore",
    "step": "step",
    "close": "close_session",
    "theorems": "theorems",
}


def work(stream: BinaryIO) -> None:
    """Serves a server until it hangs up.

    Args:
        stream: read and written, unbuffered where it is written; its first frame are the settings.
    """
    settings = ServeSettings.model_validate(_read(stream))
    try:
        sessions = Sessions(settings)
    except ProofsearchError as error:
        stream.write(frame({"error": str(error)}))
        return
    stream.write(frame({"ready": True}))
    try:
        while (operations := _read(stream)) is not None:
            for operation in operations:
                stream.write(frame(_answer(sessions, operation)))
    finally:
        sessions.close()


def _answer(sessions: Sessions, operation: list[Any]) -> dict[str, Any]:
    try:
        return {"ok": sessions.perform(operation)}
    except ProofsearchError as error:
        return {"error": str(error)}
    # A worker has the sessions of others, too: what one of them runs into is told to its client alone.
    except Exception as error:
        return {"error": one_line(error)}


def _read(stream: BinaryIO) -> Any:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


class _Duplex:
    """A socket as a file: read with a buffer, written without."""

    def __init__(self, connection: socket.socket) -> None:
        self._reader = connection.makefile("rb")
        self.read = self._reader.read
        self.write = connection.sendall


if __name__ == "__main__":
    leave_to_parent()
    with contextlib.suppress(ConnectionError):
        work(_Duplex(socket.socket(fileno=int(sys.argv[1]))))  # type: ignore[arg-type]
