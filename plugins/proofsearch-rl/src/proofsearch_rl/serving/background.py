"""A server in a thread of its own: for notebooks, benchmarks and tests."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from proofsearch_rl.serving.server import ProofServer, serving
from proofsearch_rl.serving.settings import ServeSettings


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens.

    Attributes:
        url: where.
        token: what clients have to say.
        server: the server; it belongs to its thread's loop.
        loop: of that thread.
    """

    url: str
    token: str
    server: ProofServer
    loop: asyncio.AbstractEventLoop


@contextmanager
def served(settings: ServeSettings, token: str | None = None) -> Iterator[Served]:
    """Serves until the end of a block.

    Args:
        settings: what is served, and how.
        token: what clients have to say; by default one that nobody can guess.

    Raises:
        InputError: it can't begin.
    """
    said = token or secrets.token_urlsafe()
    listening = threading.Event()
    failures: list[BaseException] = []
    made: list[Served] = []
    stop = asyncio.Event()

    async def run() -> None:
        async with serving(settings, said) as server:
            made.append(Served(server.url, said, server, asyncio.get_running_loop()))
            listening.set()
            await stop.wait()

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failures.append(error)
        finally:
            listening.set()

    thread = threading.Thread(target=work, name="proofsearch serve")
    thread.start()
    listening.wait()
    try:
        if not made:
            raise failures[0]
        yield made[0]
    finally:
        if made:
            made[0].loop.call_soon_threadsafe(stop.set)
        thread.join()
    if failures:
        raise failures[0]
