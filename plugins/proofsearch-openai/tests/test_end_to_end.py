"""A theorem proved through HTTP by the installed command; a run that fails before it has begun; no key left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from proofsearch.cli.main import run as run_command_line

FIRST, SECOND = "|- ( ph -> ph )", "\n|- "


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the commands share, so that the library is prepared once."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture
def command(tmp_path: Path, library: Path) -> Any:
    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "proofsearch"), *arguments],
            cwd=tmp_path,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENAI_LOG": "debug", "PROOFSEARCH_CACHE_DIR": str(library)},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def command_here(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """As ``command``, in the test's own process: each of its own would import torch."""

    def run(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            run_command_line(arguments)
        said = "".join(capsys.readouterr())
        assert ended.value.code == 0, f"{arguments}: {said}"
        return said

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(library))
    return run


def prover(answer: Any, written: Any) -> Any:
    """Knows how ``id`` is proved; the server gives one choice a request, whatever is asked."""

    def script(asked: Any) -> Any:
        state = asked.body["prompt"]
        tactic = "mpd" if f"\n{FIRST}\n[" in state else "ax-1"
        wrong = asked.body["seed"] % 3 == 0
        return answer(written("syl" if wrong else tactic, (-3.0 if wrong else -0.5, -0.25)))

    return script


@pytest.mark.parametrize("mode", ["processes", "threads"])
def test_a_theorem_is_proved_through_http(
    server: Any, answer: Any, written: Any, key: str, command: Any, tmp_path: Path, library: Path, mode: str
) -> None:
    server.script = prover(answer, written)
    said = command(
        *("search", "id", "--generator", "openai", "--openai-base-url", server.url, "--openai-model", "m"),
        *("--openai-samples", "6", "--max-expansions", "8", "--workers", "1", "--local-mode", mode, "--out", "run"),
    )
    assert "proved 1 of 1" in said
    (result,) = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    assert result["tactics"] == ["mpd", "ax-1", "ax-1"]
    assert "accepted" in command("verify", "run")
    assert len(server.asked) > 3 * 6
    assert all(asked.headers["authorization"] == f"Bearer {key}" for asked in server.asked)
    files = [path for folder in (tmp_path, library) for path in folder.rglob("*") if path.is_file()]
    assert any(server.url.encode() in path.read_bytes() for path in files)  # what is searched is what was written
    assert not [path for path in files if key.encode() in path.read_bytes()]
    assert key not in said


def test_ctrl_c_does_not_wait_for_the_server(
    server: Any, answer: Any, reply: Any, library: Path, tmp_path: Path
) -> None:
    """Would catch threads that the interpreter waits for at its end, such as those of a pool."""
    searching = threading.Event()

    def script(asked: Any) -> Any:
        if asked.body["max_tokens"] <= 8:
            return answer("ax-1")  # the question before the run
        searching.set()
        return reply({}, stall=True)

    server.script = script
    options = ("--generator", "openai", "--openai-base-url", server.url, "--local-mode", "threads", "--workers", "2")
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "proofsearch"), "search", "id", "mpd", *options, "--out", "run"],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PROOFSEARCH_CACHE_DIR": str(library)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert searching.wait(600)
        process.send_signal(signal.SIGINT)
        said = "".join(process.communicate(timeout=100))  # the client would wait for 120 s, and the server stalls
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, said
    assert "Traceback" not in said


def test_a_run_without_its_model_fails_before_it_has_begun(
    server: Any, reply: Any, key: str, command: Any, tmp_path: Path
) -> None:
    server.script = lambda asked: reply({"error": {"message": f"no such model; you are {key}"}}, 404)
    said = command(
        *("--traceback", "search", "id", "--out", "run"),
        *("--generator", "openai", "--openai-base-url", server.url, "--openai-model", "other"),
        code=2,
    )
    assert "no model 'other'; it lists: 'm'; choose with --openai-model" in said
    assert key not in said
    assert not (tmp_path / "run").exists()
    assert len(server.asked) == 1


def test_a_value_over_a_served_encoder_beside_a_served_generator(
    server: Any, answer: Any, written: Any, embed: Any, embedded: Any, command_here: Any, tmp_path: Path
) -> None:
    """Would catch options of the generator that get into the encoder, which a checkpoint opens again by its own."""
    proves = prover(answer, written)

    def script(asked: Any) -> Any:
        if asked.path.endswith("/embeddings"):
            assert asked.body["model"] == "vectors"
            return embedded([embed(text) for text in asked.body["input"]])
        assert asked.body["model"] == "words"
        return proves(asked)

    server.script = script
    guided = ("--generator", "demonstrated", "--scorer", "demonstration", "--priority", "split")
    command_here(
        "search", "--split", "train", "--limit", "10", *guided, "--max-expansions", "8", "--out", "train", "-q"
    )
    encoder = ("--ebm-encoder", "embeddings", "--embeddings-base-url", server.url, "--embeddings-model", "vectors")
    command_here(
        "train", "--plugin", "ebm", "--trajectories", "train", "--out", "ckpt", *encoder, "--ebm-steps", "10", "-q"
    )
    words = ("--generator", "openai", "--openai-base-url", server.url, "--openai-model", "words")
    said = command_here(
        *("search", "id", *words, "--openai-samples", "6", "--scorer", "ebm", "--ebm-path", "ckpt", "--ebm-force"),
        *("--max-expansions", "8", "--workers", "1", "--local-mode", "threads", "--out", "run"),
    )
    assert "proved 1 of 1" in said
    asked = [one for one in server.asked if one.path.endswith("/embeddings")]
    texts = [text for one in asked for text in one.body["input"]]
    assert len(set(texts)) > 50
    assert max(texts.count(text) for text in set(texts) if "# theorem: " in text) == 1  # the rest comes from disk
