"""Listening: who may connect, what can be asked by plain HTTP, and the end of it all."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import http
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from proofsearch.errors import InputError
from proofsearch.process.usage import processors
from proofsearch_rl.serving.connections import Capacity, Connection
from proofsearch_rl.serving.links import WorkerLink
from proofsearch_rl.serving.messages import RequestError
from proofsearch_rl.serving.schema import schemas
from proofsearch_rl.serving.settings import ServeSettings

PATH = "/ws"
"""Where clients connect, as in OpenEnv."""

_SPARE = 64
"""Connections beyond one a session: of those that come and go."""


class ProofServer:
    """A server; ``serving`` gives one that listens.

    Args:
        settings: what it serves.
        token: what clients have to say.

    Attributes:
        capacity: its sessions.
        links: its workers.
    """

    def __init__(self, settings: ServeSettings, token: str) -> None:
        self.settings = settings
        self._token = token
        self.links = [WorkerLink(settings) for _ in range(settings.workers or processors())]
        self.capacity = Capacity(settings, self.links)
        self._server: Server | None = None
        self._connections = 0

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def url(self) -> str:
        """Where clients connect."""
        host = self.settings.host
        return f"ws://[{host}]:{self.port}{PATH}" if ":" in host else f"ws://{host}:{self.port}{PATH}"

    def status(self) -> dict[str, Any]:
        """How busy it is: clients, sessions, and by worker its process, its sessions and how often it was begun."""
        workers = [{"pid": link.pid, "sessions": link.sessions, "begun": link.generation} for link in self.links]
        return {"clients": self._connections, "sessions": self.capacity.sessions, "workers": workers}

    async def open(self) -> None:
        """Starts the workers, and listens.

        Raises:
            RequestError: a worker can't open the environment.
            InputError: it can't listen there.
        """
        # One first: it fills caches that all of them would fill at once.
        await self.links[0].ready()
        await asyncio.gather(*(link.ready() for link in self.links))
        settings = self.settings
        try:
            self._server = await serve(
                self._serve,
                settings.host,
                settings.port,
                process_request=self._admit,
                origins=[None],  # no page that a browser shows may connect
                max_size=settings.max_message,
                max_queue=4,
                compression=None,
                server_header=None,
            )
        except OSError as error:
            raise InputError(
                f"{settings.host}:{settings.port}: can't listen there: {error.strerror or error}; choose another --port"
            ) from None

    async def close(self) -> None:
        """Disconnects all, and ends the workers. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            server.close(code=1001, reason="the server is stopping")
            await server.wait_closed()
        await asyncio.gather(*(link.close() for link in self.links))

    # ------------------------------------------------------------------------------------------------- internals

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers a plain request, and refuses a connection that may not be."""
        path = request.path.partition("?")[0]
        if path == "/health":
            return _response(http.HTTPStatus.OK, {"status": "healthy"})
        if not _allowed(request.headers.get_all("Authorization"), self._token):
            wrong = "the token is missing or wrong; send it as 'Authorization: Bearer TOKEN'"
            return _response(http.HTTPStatus.UNAUTHORIZED, {"error": wrong})
        if path == "/schema":
            return _response(http.HTTPStatus.OK, schemas())
        if path == "/status":
            return _response(http.HTTPStatus.OK, self.status())
        if path == "/metadata":
            about = f"Theorem proving in {self.settings.env}, tactic by tactic."
            return _response(
                http.HTTPStatus.OK, {"name": "proofsearch", "description": about, "version": version("proofsearch-rl")}
            )
        if path != PATH:
            known = f"{PATH}, /health, /schema, /metadata, /status"
            return _response(http.HTTPStatus.NOT_FOUND, {"error": f"nothing is at {path[:80]}; there are {known}"})
        most = self.settings.max_sessions + _SPARE
        if self._connections >= most:
            return _response(http.HTTPStatus.SERVICE_UNAVAILABLE, {"error": f"{most} clients are connected already"})
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        """Answers a client until it goes."""
        self._connections += 1
        connection = Connection(self.capacity)
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._answer(socket, connection)
        finally:
            self._connections -= 1
            await asyncio.shield(connection.close())

    async def _answer(self, socket: ServerConnection, connection: Connection) -> None:
        patience = self.settings.idle_timeout
        while True:
            try:
                async with asyncio.timeout(patience):
                    text = await socket.recv()
            except TimeoutError:
                await socket.close(1008, f"no message for {patience:g} s")
                return
            answer = await connection.answer(text)
            if answer is None:
                return
            await socket.send(json.dumps(answer, separators=(",", ":")))


@asynccontextmanager
async def serving(settings: ServeSettings, token: str) -> AsyncIterator[ProofServer]:
    """A server that listens, and stops at the end.

    Raises:
        InputError: it can't begin; the message says why.
    """
    server = ProofServer(settings, token)
    try:
        try:
            await server.open()
        except RequestError as error:
            raise InputError(f"the environment {settings.env!r} can't be served: {error}") from None
        yield server
    finally:
        await server.close()


def _allowed(headers: list[str], token: str) -> bool:
    """Whether the token is said: as ``Bearer``, or as the password of ``Basic``, which a URL can hold."""
    if len(headers) != 1:
        return False
    scheme, _, said = headers[0].partition(" ")
    if scheme.lower() == "basic":
        try:
            said = base64.b64decode(said, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(said.encode(), token.encode())


def _response(status: http.HTTPStatus, data: Any) -> Response:
    body = json.dumps(data).encode()
    headers = Headers(
        [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]
    )
    return Response(status.value, status.phrase, headers, body)
