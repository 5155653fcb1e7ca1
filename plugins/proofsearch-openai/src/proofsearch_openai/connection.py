"""A server that is asked many things at a time: the client, an event loop of its own, and a bound on what is under way.

The loop runs in a thread that does not keep the interpreter from exiting. Whoever asks waits in their own thread, so
that Ctrl-C ends the wait at once and what was under way is given up; and it works where the caller runs a loop of their
own, as notebooks do.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import openai

from proofsearch.errors import UsageError
from proofsearch_openai.config import ServerConfig
from proofsearch_openai.credentials import read_key
from proofsearch_openai.errors import ServerError
from proofsearch_openai.failures import explain, listed, shown
from proofsearch_openai.route import http_client

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_LIST_SECONDS = 10.0


class Connection:
    """Asks a server. Nothing is opened before it is first asked.

    Args:
        config: of the component.

    Raises:
        UsageError: the key's variable holds none; when it is first asked, also an environment variable that says which
            way to go, and can't be used.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._key = read_key(config.api_key_variable)
        self._opened: tuple[asyncio.AbstractEventLoop, threading.Thread, openai.AsyncOpenAI] | None = None
        self._room: asyncio.Semaphore
        self._model = config.model

    # ------------------------------------------------------------------------------------------ from any thread

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work that asks the server, and waits for it. Interrupted, the work is given up."""
        try:
            loop = self._open()
        except BaseException:
            work.close()  # or it is complained of as never awaited
            raise
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Closes the connections. Idempotent."""
        if self._opened is None:
            return
        loop, thread, client = self._opened
        self._opened = None
        asyncio.run_coroutine_threadsafe(_end(client), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    # --------------------------------------------------------------------------------------- from work that runs

    async def post(self, path: str, body: Mapping[str, object]) -> object:
        """Asks for one thing; the client repeats what may be repeated.

        Args:
            path: of the endpoint, such as ``/completions``.
            body: as JSON, without the model.

        Returns:
            The answer as plain data.

        Raises:
            UsageError: an unknown model or endpoint, a refused key.
            RefusedError: a request that the server takes for wrong.
            ServerError: anything else that keeps it from answering.
        """
        model = await self.model()
        async with self._room:
            try:
                return await self._client.post(path, cast_to=object, body={"model": model, **body})
            except (openai.OpenAIError, ValueError) as error:
                status = error.status_code if isinstance(error, openai.APIStatusError) else None
                served = None if status in (None, 401, 403, 429) else await self.served()
                # Without the client's error: it holds the request, and its message may hold the key.
                raise explain(error, self._config, self._key, model, served) from None

    async def model(self) -> str:
        """The model that is asked for: the one that the options name, or the server's only one.

        Raises:
            UsageError: none is named, and the server doesn't have just one.
            ServerError: it can't be asked.
        """
        if self._model is None:
            try:
                served = _ids(await self._client.get("/models", cast_to=object))
            except (openai.OpenAIError, ValueError) as error:
                raise explain(error, self._config, self._key, None, None) from None
            if len(served) != 1:
                names = self._key.hide(listed(served))
                option = self._config.option("model")
                raise UsageError(
                    f"{self._config.base_url}: which model? The server lists: {names}; choose with {option}"
                )
            self._model = served[0]
        return self._model

    async def served(self) -> list[str] | None:
        """The models that the server says it has; ``None`` where it doesn't say."""
        client = self._client.with_options(max_retries=0, timeout=min(_LIST_SECONDS, self._config.timeout))
        try:
            return [self._key.hide(name) for name in _ids(await client.get("/models", cast_to=object))]
        except (openai.OpenAIError, ValueError):
            return None

    def unusable(self, what: str) -> ServerError:
        """The error to raise for an answer that says something else than was asked."""
        return ServerError(f"{self._config.base_url}: {shown(what, self._key)}")

    # ------------------------------------------------------------------------------------------------ internals

    @property
    def _client(self) -> openai.AsyncOpenAI:
        assert self._opened is not None
        return self._opened[2]

    def _open(self) -> asyncio.AbstractEventLoop:
        if self._opened is None:
            client = openai.AsyncOpenAI(
                api_key=self._key.sent,
                base_url=self._config.base_url,
                timeout=openai.Timeout(self._config.timeout, connect=min(_CONNECT_SECONDS, self._config.timeout)),
                max_retries=self._config.retries,
                http_client=http_client(self._config),
            )
            self._room = asyncio.Semaphore(self._config.concurrency)
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=loop.run_forever, name="proofsearch-openai", daemon=True)
            thread.start()
            self._opened = loop, thread, client
        return self._opened[0]


async def together(work: Sequence[Awaitable[T]]) -> list[T]:
    """Runs several things at a time. The first error ends the others too."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _end(client: openai.AsyncOpenAI) -> None:
    """Gives up what is still under way, and closes the client."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.close()


def _ids(answer: object) -> list[str]:
    """The models' names in a list of models.

    Raises:
        ValueError: it is none.
    """
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"expected a list of models, found {answer!r}")
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
