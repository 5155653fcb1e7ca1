"""One client: its messages are answered one after another, and its sessions end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from proofsearch_rl.serving import messages
from proofsearch_rl.serving.links import WorkerLink, WorkerLostError
from proofsearch_rl.serving.messages import Code, Request, RequestError
from proofsearch_rl.serving.sessions import ServedSession
from proofsearch_rl.serving.settings import ServeSettings


class Capacity:
    """What all connections share: the workers, and how many sessions there may be.

    Args:
        settings: of the server.
        links: the workers.
    """

    def __init__(self, settings: ServeSettings, links: list[WorkerLink]) -> None:
        self.settings = settings
        self.links = links
        self.sessions = 0
        self._last = 0

    def take(self) -> ServedSession:
        """A new session, in the worker that has the fewest.

        Raises:
            RequestError: there are as many as there may be.
        """
        most = self.settings.max_sessions
        if self.sessions >= most:
            raise RequestError(
                Code.CAPACITY_REACHED, f"all {most} sessions are taken; close one, or serve more with --max-sessions"
            )
        self.sessions += 1
        self._last += 1
        return ServedSession(self._last, min(self.links, key=lambda link: link.sessions))

    def give_back(self) -> None:
        """A session is closed."""
        self.sessions -= 1


class Connection:
    """A client's sessions, by the client's own numbers.

    Args:
        capacity: where sessions come from.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._sessions: dict[int, ServedSession] = {}

    async def answer(self, text: str | bytes) -> dict[str, Any] | None:
        """Answers a message; ``None`` where the client says goodbye."""
        try:
            read = messages.read(text)
        except RequestError as failure:
            return messages.error(failure)
        if isinstance(read, list):
            return messages.answer("many", await self._many(read))
        if read.type == "close" and read.session is None:
            return None
        return await self._one(read)

    async def close(self) -> None:
        """Ends all of its sessions."""
        for number in list(self._sessions):
            await self._end(number)

    async def _many(self, requests: Iterable[Request | RequestError]) -> list[dict[str, Any]]:
        """Answers many requests: those of a session in order, those of different ones side by side."""
        answers: dict[int, dict[str, Any]] = {}
        by_session: dict[int, list[tuple[int, Request]]] = {}
        for place, request in enumerate(requests):
            if isinstance(request, RequestError):
                answers[place] = messages.error(request)
            else:
                by_session.setdefault(request.session or 0, []).append((place, request))

        async def in_order(entries: list[tuple[int, Request]]) -> None:
            for place, request in entries:
                answers[place] = await self._one(request)

        await asyncio.gather(*map(in_order, by_session.values()))
        return [answers[place] for place in sorted(answers)]

    async def _one(self, request: Request) -> dict[str, Any]:
        try:
            return await self._perform(request)
        except RequestError as failure:
            return messages.error(failure)

    async def _perform(self, request: Request) -> dict[str, Any]:
        number, data = request.session or 0, request.data
        match request.type:
            case "reset":
                fresh = number not in self._sessions
                session = self._sessions.get(number) or self._capacity.take()
                self._sessions[number] = session
                try:
                    found = await session.reset(data.get("theorem"), data.get("seed"), data.get("split"))
                except RequestError:
                    if fresh:  # a place that nothing is in would be taken for good
                        await self._end(number)
                    raise
                return messages.answer("observation", found)
            case "step":
                return messages.answer("observation", await self._session(number).step(data["tactic"]))
            case "state":
                return messages.answer("state", self._session(number).state())
            case "close":
                await self._end(number)
                return messages.answer("closed", {})
            case _:
                return messages.answer("theorems", {"names": await self._theorems(data.get("split"))})

    async def _theorems(self, split: str | None) -> list[str]:
        link = self._capacity.links[0]
        for _ in range(2):  # the worker may just have been lost
            try:
                names: list[str] = await link.ask(["theorems", split])
                return names
            except WorkerLostError as lost:
                why = str(lost)
        raise RequestError(Code.EXECUTION_ERROR, why)

    def _session(self, number: int) -> ServedSession:
        session = self._sessions.get(number)
        if session is None:
            raise RequestError(Code.SESSION_ERROR, f"there is no session {number}: reset it first")
        return session

    async def _end(self, number: int) -> None:
        session = self._sessions.pop(number, None)
        if session is not None:
            self._capacity.give_back()
            await session.close()
