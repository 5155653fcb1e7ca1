"""What goes wrong between client and server: one clear error each, with the right exit code and never with the key."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import traceback
from typing import Any

import pytest
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.credentials import ApiKey, read_key
from proofsearch_openai.errors import RefusedError, ServerError
from pydantic import ValidationError

from proofsearch.config.explain import explain
from proofsearch.errors import ProofsearchError, UsageError
from proofsearch.types import Candidate

SOON = {"retry-after-ms": "1"}


def test_nobody_there(generator: Any) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(ServerError, match=f"{url}: no connection.*Start a server.*--openai-base-url"):
            generator(base_url=url).prepare()


def test_too_busy_then_not(server: Any, generator: Any, answer: Any, reply: Any, request_for: Any) -> None:
    """429 with Retry-After, then 500, then an answer: the client goes on by itself."""
    replies = [reply({}, 429, {"retry-after": "0.01"}), reply({}, 500, SOON), answer("a")]
    server.script = lambda asked: replies[len(server.asked) - 1]
    assert generator(samples=1, retries=2).generate([request_for()], 1) == [[Candidate("a", -1.0, 1)]]
    assert len({asked.body["seed"] for asked in server.asked}) == 1


@pytest.mark.parametrize(("status", "said"), [(429, "too busy"), (500, "failed"), (503, "too busy")])
def test_still_failing_after_the_retries(server: Any, generator: Any, reply: Any, status: int, said: str) -> None:
    server.script = lambda asked: reply({"error": {"message": "out of blocks"}}, status, SOON)
    with pytest.raises(ServerError, match=f"{said} .{status}., asked 3 times: out of blocks.*--openai-concurrency"):
        generator(retries=2).prepare()
    assert len(server.asked) == 3


def test_a_stall_ends_at_the_time_out(server: Any, generator: Any, reply: Any) -> None:
    server.script = lambda asked: reply({}, stall=True)
    with pytest.raises(ServerError, match=r"no answer within 0\.2 s, asked 2 times.*--openai-timeout"):
        generator(timeout=0.2, retries=1).prepare()
    assert len(server.asked) == 2


def test_a_model_that_is_not_there(server: Any, generator: Any, reply: Any) -> None:
    server.models = reply({"data": [{"id": "org/a"}, {"id": "org/b"}]})
    server.script = lambda asked: reply({"object": "error", "message": "The model `m` does not exist."}, 404)
    with pytest.raises(UsageError, match=r"no model 'm'; it lists: 'org/a', 'org/b'; choose with --openai-model"):
        generator().prepare()


def test_an_address_without_the_api(server: Any, generator: Any, reply: Any) -> None:
    server.models = reply({"detail": "Not Found"}, 404)
    server.script = lambda asked: reply({"detail": "Not Found"}, 404)
    with pytest.raises(UsageError, match=r"--openai-base-url is not that of an OpenAI-compatible server"):
        generator().prepare()


def test_a_model_that_does_not_do_this(server: Any, generator: Any, reply: Any) -> None:
    message = "The model does not support Completions API"
    server.script = lambda asked: reply({"error": {"message": message}}, 404)
    with pytest.raises(UsageError, match=f"{message}.*doesn't offer this for the model 'm'"):
        generator().prepare()


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "prompt too long: 9000 > 4096"}},
        {"message": "prompt too long: 9000 > 4096"},
        {"detail": "prompt too long: 9000 > 4096"},
        {"error": "prompt too long: 9000 > 4096"},
        b"prompt too long: 9000 > 4096",
    ],
)
def test_a_refused_request_says_what_the_server_says(server: Any, generator: Any, reply: Any, body: Any) -> None:
    server.script = lambda asked: reply(body, 400)
    with pytest.raises(RefusedError, match="prompt too long: 9000 > 4096") as caught:
        generator().prepare()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_variable(
    server: Any, generator: Any, reply: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    server.script = lambda asked: reply({"error": {"message": "no"}}, status)
    with pytest.raises(UsageError, match=f"wants a key, and none is in the environment variable OTHER .{status}.: no"):
        generator(api_key_variable="OTHER").prepare()
    monkeypatch.setenv("OTHER", "k3y")
    with pytest.raises(UsageError, match="refuses the key in the environment variable OTHER"):
        generator(api_key_variable="OTHER").prepare()
    assert server.asked[-1].headers["authorization"] == "Bearer k3y"


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [{"text": "exa',
        b"<html>a proxy</html>",
        b"",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [{"text": 7}]}',
        b'{"error": {"message": "with status 200"}}',
    ],
)
def test_an_answer_that_is_none(server: Any, generator: Any, reply: Any, body: bytes) -> None:
    server.script = lambda asked: reply(body)
    with pytest.raises(ServerError, match=server.url):
        generator().prepare()


def test_an_answer_that_breaks_off(server: Any, generator: Any, reply: Any) -> None:
    server.script = lambda asked: reply(b'{"choices"', cut=100)
    with pytest.raises(ServerError, match="no connection, tried once"):
        generator().prepare()


# ----------------------------------------------------------------------------------------------------------- the key


def echoing(reply: Any, status: int, key: str) -> Any:
    # Everywhere, so that it also stands where a message is cut.
    return reply({"error": {"message": f"key {key} " * 40}, "headers": [key] * 40, "choices": key}, status, SOON)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 429, 500])
def test_an_echoed_key_is_in_no_message_and_no_traceback(
    server: Any, generator: Any, reply: Any, key: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.models = reply({"data": [{"id": key}]})
    server.script = lambda asked: echoing(reply, status, asked.headers["authorization"].removeprefix("Bearer "))
    with pytest.raises(ProofsearchError) as caught:
        generator().prepare()
    assert server.asked[0].headers["authorization"] == f"Bearer {key}"
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(pickle.dumps(caught.value))
    assert "***" in shown
    for part in (key, key[:8]):
        assert part not in shown
        assert part not in caplog.text


def test_every_form_of_the_key_is_hidden() -> None:
    secret = 'a/b+c"d\\e'
    hide = ApiKey("V", secret).hide
    for form in (secret, 'a/b+c\\"d\\\\e', "a%2Fb%2Bc%22d%5Ce", "a/b%2Bc%22d%5Ce"):
        assert hide(f"<{form}>") == "<***>"
    assert secret not in repr(ApiKey("V", secret))


@pytest.mark.parametrize("value", ["a b", "a\nb", "clé", "a\x00b".replace("\x00", "\x7f")])
def test_what_cannot_be_a_key_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("V", value)
    with pytest.raises(UsageError, match="variable V holds no key") as caught:
        read_key("V")
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_key_is_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("V", value)
    assert read_key("V").secret is None


# ------------------------------------------------------------------------------------------------------- the options


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@host/v1",
        "http://secret@host/v1",
        "me:secret@host/v1",
        "http://host/v1?key=secret",
        "localhost:8000",
        "/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
    ],
)
def test_an_address_with_a_secret_or_without_a_host_is_refused(url: str) -> None:
    """Would catch a secret that gets into the run folder with the options."""
    with pytest.raises(ValidationError) as caught:
        GeneratorConfig(base_url=url)
    said = explain(caught.value, GeneratorConfig)
    assert "--openai-base-url: " in said
    assert "secret" not in said


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, proofsearch_openai.plugin, proofsearch_openai.config;"
        "print([name for name in ('openai', 'httpx2', 'numpy', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
