"""Against a server that nobody here wrote: ``transformers serve``, with a tiny model made on the spot.

It is the least capable of those that are documented, and what the documentation says of it is tested here.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from proofsearch_openai.config import EncoderConfig, GeneratorConfig
from proofsearch_openai.encoder import OpenAIEncoder
from proofsearch_openai.errors import RefusedError
from proofsearch_openai.generator import OpenAIGenerator

from proofsearch.errors import UsageError
from proofsearch.protocols import GenerationRequest
from proofsearch.types import State, Theorem

BIN = Path(sys.executable).parent
SECONDS = 600
"""For the server to be there, on a machine that does much else."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    model: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for package in ("transformers", "fastapi", "uvicorn"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("served")
    model, log = folder / "model", folder / "log"
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "OMP_NUM_THREADS": "1",
    }
    made = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("tiny_model.py")), str(model)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(BIN / "transformers"), "serve", str(model), "--host", "127.0.0.1", "--port", str(port)]
    # The shell waits for the end of its input, which comes even if this process is killed, and then ends the server.
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", '"$@" < /dev/null & cat > /dev/null; kill -9 $!', "sh", *command, "--device", "cpu"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", log)
        yield Served(f"http://127.0.0.1:{port}/v1", str(model))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stdin is not None
        process.stdin.close()
        process.wait()


def wait_for(url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), opener.open(url, timeout=5) as answer:
            if answer.status == 200:
                return
        if "Traceback" in log.read_text():
            break
        time.sleep(0.2)
    pytest.fail(f"transformers serve did not start: {log.read_text()}")


def request(text: str, seed: int = 0) -> GenerationRequest:
    return GenerationRequest(Theorem("t", text), State(text, ()), None, seed)


@pytest.fixture
def generator(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    built = []

    def build(**options: Any) -> OpenAIGenerator:
        settings = {"base_url": served.url, "retries": 0, "max_tokens": 8} | options
        built.append(OpenAIGenerator(GeneratorConfig(**settings)))
        return built[-1]

    yield build
    for one in built:
        one.close()


def test_it_gives_no_logprobs_and_that_is_said(generator: Any) -> None:
    with pytest.raises(UsageError, match=r"no log-probabilities.*--openai-missing-logprobs frequency"):
        generator().prepare()


@pytest.mark.parametrize("endpoint", ["completions", "chat"])
def test_it_ignores_n_and_all_samples_come_all_the_same(generator: Any, endpoint: str) -> None:
    subject = generator(missing_logprobs="frequency", samples=12, endpoint=endpoint, concurrency=1)
    (found,) = subject.generate([request("|- ( ph -> ph )")], 8)
    assert {one.tactic for one in found} == {"mpd", "ax-1"}  # cut at the line break, and drawn with different seeds
    counts = [12 * math.exp(one.logprob) for one in found]
    assert sum(counts) == pytest.approx(12)
    assert counts == pytest.approx([round(count) for count in counts])


def test_one_request_at_a_time_is_repeatable(generator: Any) -> None:
    """Its seed is one for all requests, so that more at a time get in each other's way."""
    requests = [request("|- ( ph -> ph )", seed) for seed in range(3)]
    first, second = (
        generator(missing_logprobs="frequency", samples=6, concurrency=1).generate(requests, 8) for _ in range(2)
    )
    assert first == second


def test_another_model_than_the_one_it_serves(generator: Any, served: Served) -> None:
    with pytest.raises(RefusedError, match=f"lists no model '/nowhere'; it lists: '{served.model}'"):
        generator(model="/nowhere").prepare()


def test_it_has_no_embeddings(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    encoder = OpenAIEncoder(EncoderConfig(base_url=served.url, retries=0))
    with contextlib.closing(encoder), pytest.raises(UsageError, match="doesn't offer this for the model"):
        encoder.fingerprint()


def test_a_theorem_is_proved_with_it(served: Served, tmp_path: Path) -> None:
    options = ("--openai-base-url", served.url, "--openai-missing-logprobs", "frequency", "--openai-max-tokens", "8")
    done = subprocess.run(
        [
            *(str(BIN / "proofsearch"), "search", "id", "--generator", "openai", *options, "--out", "run"),
            *("--openai-samples", "6", "--openai-concurrency", "1", "--max-expansions", "40", "--workers", "1"),
        ],
        cwd=tmp_path,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "proved 1 of 1" in done.stdout
    assert done.stderr.count("not the model's") == 1
    (result,) = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    assert result["tactics"] == ["mpd", "ax-1", "ax-1"]
