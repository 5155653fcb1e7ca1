"""A server on the loopback interface that does what a test says, and what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proofsearch_openai.config import EncoderConfig, GeneratorConfig
from proofsearch_openai.encoder import OpenAIEncoder
from proofsearch_openai.generator import OpenAIGenerator

from proofsearch.protocols import GenerationRequest
from proofsearch.types import State, Theorem

KEY = "sk-very/secret+key"
SOON = {"retry-after-ms": "1"}
"""Headers that keep the client's back-off short."""


@dataclass(frozen=True)
class Asked:
    """A request that came; the headers' names in small letters."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What to answer.

    Attributes:
        body: JSON, or the bytes themselves.
        status: of HTTP.
        headers: besides the usual.
        stall: never answer.
        cut: bytes that are promised but don't come.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stall: bool = False
    cut: int = 0


class ScriptedServer:
    """An HTTP server in a thread. ``script`` answers every request but that for the list of models."""

    def __init__(self) -> None:
        self.models: Reply = Reply({"object": "list", "data": [{"id": "m"}]})
        self.script: Callable[[Asked], Reply] = lambda asked: Reply({"error": {"message": "no script"}}, 500, SOON)
        self.asked: list[Asked] = []
        self.under_way = self.most_under_way = 0
        self.ended = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(server.models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = Asked(self.path, body, {name.lower(): value for name, value in self.headers.items()})
                with server._lock:
                    server.asked.append(asked)
                    server.under_way += 1
                    server.most_under_way = max(server.most_under_way, server.under_way)
                try:
                    self._answer(server.script(asked))
                finally:
                    with server._lock:
                        server.under_way -= 1

            def _answer(self, reply: Reply) -> None:
                if reply.stall:
                    server.ended.wait(600)
                    return
                content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content) + reply.cut))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def choice(text: str, logprobs: Sequence[float] | None = (-1.0,), reason: str = "stop", index: int = 0) -> Any:
    """A choice of an answer to completions; its tokens are the text's words, then what ended it."""
    found: dict[str, Any] = {"index": index, "text": text, "finish_reason": reason}
    if logprobs is not None:
        words = text.split(" ")
        tokens = [*(f" {word}" if at else word for at, word in enumerate(words)), "\n", "and", "on"][: len(logprobs)]
        found["logprobs"] = {"tokens": tokens, "token_logprobs": list(logprobs)}
    return found


def completion(*choices: Any) -> Reply:
    return Reply({"object": "text_completion", "model": "m", "choices": list(choices)})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with closing(ScriptedServer()) as running:
        yield running


@pytest.fixture
def reply() -> type[Reply]:
    return Reply


@pytest.fixture
def answer() -> Callable[..., Reply]:
    """``answer(choice, …)`` is the reply with these choices; a text alone is a choice with log-probability −1."""
    return lambda *given: completion(
        *(choice(one, index=at) if isinstance(one, str) else one for at, one in enumerate(given))
    )


@pytest.fixture
def written() -> Callable[..., Any]:
    return choice


@pytest.fixture
def request_for() -> Callable[..., GenerationRequest]:
    def make(text: str = "|- ph", seed: int = 1) -> GenerationRequest:
        return GenerationRequest(Theorem("t", "|- ph"), State(text, ()), None, seed)

    return make


@pytest.fixture
def generator(server: ScriptedServer) -> Iterator[Callable[..., OpenAIGenerator]]:
    """``generator(samples=4)`` asks the scripted server for the model ``m``; ``said`` has its warnings."""
    built: list[OpenAIGenerator] = []

    def build(said: list[str] | None = None, **options: Any) -> OpenAIGenerator:
        settings: dict[str, Any] = {"base_url": server.url, "model": "m", "retries": 0} | options
        built.append(OpenAIGenerator(GeneratorConfig(**settings), (said if said is not None else []).append))
        return built[-1]

    yield build
    for one in built:
        one.close()


WIDTH = 32


def vector(text: str, model: str = "m") -> list[float]:
    """What the scripted model makes of a text: close for texts that begin alike, as real ones are."""
    rows = []
    for part in (text[:20], text):
        digest = hashlib.blake2b(f"{model} {part}".encode(), digest_size=8).digest()
        rows.append(np.random.default_rng(int.from_bytes(digest, "big")).standard_normal(WIDTH))
    found: list[float] = (rows[0] + 0.5 * rows[1]).tolist()
    return found


def embeddings(vectors: Sequence[Any]) -> Reply:
    return Reply({"data": [{"index": at, "embedding": one} for at, one in enumerate(vectors)]})


@pytest.fixture
def embed() -> Callable[..., list[float]]:
    return vector


@pytest.fixture
def embedded() -> Callable[[Sequence[Any]], Reply]:
    """``embedded([row, …])`` is the reply with these rows."""
    return embeddings


@pytest.fixture
def encoder(server: ScriptedServer) -> Iterator[Callable[..., OpenAIEncoder]]:
    """``encoder(batch=4)`` asks the scripted server, which embeds as it should until a test says otherwise."""
    server.script = lambda asked: embeddings([vector(text) for text in asked.body["input"]])
    built: list[OpenAIEncoder] = []

    def build(said: list[str] | None = None, **options: Any) -> OpenAIEncoder:
        settings: dict[str, Any] = {"base_url": server.url, "model": "m", "retries": 0} | options
        built.append(OpenAIEncoder(EncoderConfig(**settings), (said if said is not None else []).append))
        return built[-1]

    yield build
    for one in built:
        one.close()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> str:
    """A key in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(folder))
    return folder
