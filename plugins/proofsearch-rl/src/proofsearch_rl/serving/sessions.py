"""One episode as the server knows it: in which worker it is, and how to bring it to another one."""

from __future__ import annotations

import contextlib
from typing import Any

from proofsearch_rl.serving.links import WorkerLink, WorkerLostError
from proofsearch_rl.serving.messages import Code, RequestError
from proofsearch_rl.turn import ADVANCED, PROVED


class ServedSession:
    """An episode in a worker.

    It knows the theorem and the tactics that advanced it, so that a new worker can go on where one was lost.

    Args:
        number: of the session, in all of the server.
        link: the worker.
    """

    def __init__(self, number: int, link: WorkerLink) -> None:
        self._number = number
        self._link = link
        self._generation = -1
        self._theorem: str | None = None
        self._path: list[str] = []
        self._steps = 0
        self._over = False
        self._closed = False
        link.sessions += 1

    def state(self) -> dict[str, Any]:
        """What OpenEnv calls the state: which episode, and how far it is."""
        return {"episode_id": self._theorem, "step_count": self._steps, "theorem": self._theorem}

    async def reset(self, theorem: str | None, seed: int | None, split: str | None) -> dict[str, Any]:
        """Begins an episode.

        Raises:
            RequestError: it can't begin.
        """
        self._theorem = None
        data = await self._ask(["reset", self._number, theorem, seed, split])
        self._theorem, self._path, self._steps = data["observation"]["theorem"], [], 0
        self._over = bool(data["done"])
        return data

    async def step(self, tactic: str) -> dict[str, Any]:
        """Tries a tactic.

        Raises:
            RequestError: no episode is under way, or it was ended because of this tactic.
        """
        if self._theorem is None:
            raise RequestError(Code.SESSION_ERROR, "no episode is under way: reset it first")
        if self._over:
            raise RequestError(Code.SESSION_ERROR, f"the episode of {self._theorem} is over: reset it")
        data = await self._ask(["step", self._number, tactic])
        observation = data["observation"]
        self._steps, self._over = observation["steps"], bool(data["done"])
        if observation["outcome"] in (ADVANCED, PROVED):
            self._path.append(tactic)
        return data

    async def close(self) -> None:
        """Ends the session, in its worker too. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._link.sessions -= 1
        if self._generation == self._link.generation:
            with contextlib.suppress(RequestError, WorkerLostError):  # then there is nothing left to end
                await self._link.ask(["close", self._number])

    async def _ask(self, operation: list[Any]) -> dict[str, Any]:
        """Has the worker do something with this session; in a new worker again, where the old one was lost."""
        while True:
            try:
                await self._link.ready()
                if self._generation != self._link.generation:
                    if self._theorem is not None:
                        await self._link.ask(["restore", self._number, self._theorem, self._path, self._steps])
                    self._generation = self._link.generation
                data: dict[str, Any] = await self._link.ask(operation)
                return data
            except WorkerLostError as lost:
                if lost.blamed:
                    self._theorem = None
                    raise RequestError(Code.SESSION_ERROR, f"the session was ended: {lost}; reset it") from None
