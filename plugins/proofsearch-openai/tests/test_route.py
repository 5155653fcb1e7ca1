"""Which way requests go: proxies and certificates of the environment, and what is said where they can't be used."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

import pytest
from proofsearch_openai.config import EncoderConfig, GeneratorConfig
from proofsearch_openai.errors import ServerError
from proofsearch_openai.route import http_client, is_loopback, proxy_in_use

from proofsearch.errors import UsageError

FAR = "http://far.invalid/v1"
PROXIES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture
def closed() -> Any:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST./v1", True),
        ("http://gpu.localhost/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://127.9.9.9:1/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://0.0.0.0:8000/v1", True),
        ("http://localhost.example.org/v1", False),
        ("http://10.0.0.1/v1", False),
        ("http://127.example.org/v1", False),
        ("https://api.example.org/v1", False),
    ],
)
def test_which_addresses_are_this_machines_own(address: str, own: bool) -> None:
    assert is_loopback(address) == own


@pytest.mark.parametrize("value", ["http://{closed}", "{closed}", "socks5://{closed}", "nonsense://{closed}"])
@pytest.mark.parametrize("variable", PROXIES)
def test_a_server_on_this_machine_is_asked_without_a_proxy(
    server: Any, generator: Any, answer: Any, monkeypatch: pytest.MonkeyPatch, closed: str, variable: str, value: str
) -> None:
    """As the doctor looks for it; no proxy could reach it, or it would reach one of its own."""
    monkeypatch.setenv(variable, value.format(closed=closed))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")  # nothing here is encrypted
    server.script = lambda asked: answer("a")
    generator().prepare()
    assert len(server.asked) == 1


def test_a_proxy_is_used_and_named_where_it_is_asked_for(
    server: Any, generator: Any, answer: Any, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@{closed}")
    server.script = lambda asked: answer("a")
    with pytest.raises(
        ServerError, match=rf"through the proxy of HTTP_PROXY \(http://{closed}\).*proxy none"
    ) as caught:
        generator(proxy="environment").prepare()
    assert "secret" not in str(caught.value)
    assert "vllm" not in str(caught.value)  # a server is not what is missing
    generator(proxy="none").prepare()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    generator(proxy="environment").prepare()


def test_a_server_elsewhere_is_asked_through_the_proxy(
    server: Any, generator: Any, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    server.script = lambda asked: answer("a")
    generator(base_url=FAR).prepare()
    assert server.asked[0].path == f"{FAR}/completions"  # what a proxy is asked for


def test_what_a_proxy_says_is_not_taken_for_the_servers(
    server: Any, generator: Any, reply: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    server.script = lambda asked: reply({}, 503, {"retry-after-ms": "1"})
    with pytest.raises(ServerError, match=f"{FAR}, through the proxy of HTTP_PROXY"):
        generator(base_url=FAR).prepare()


@pytest.mark.parametrize("component", ["generator", "encoder"])
@pytest.mark.parametrize("variable", PROXIES)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable(
    server: Any, generator: Any, encoder: Any, monkeypatch: pytest.MonkeyPatch, variable: str, component: str
) -> None:
    monkeypatch.setenv(variable, "nonsense://me:secret@proxy.example:1080")
    with pytest.raises(UsageError, match=rf"variable {variable} names a proxy.*--openai-proxy none") as caught:
        if component == "generator":
            generator(base_url=FAR).prepare()
        else:
            encoder(base_url=FAR).fingerprint()
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_socks_says_what_it_needs(server: Any, generator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        import socksio  # noqa: F401
    except ImportError:
        monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example:1080")
        with pytest.raises(UsageError, match=r"variable ALL_PROXY.*pip install socksio"):
            generator(base_url=FAR).prepare()


@pytest.mark.parametrize("address", ["https://localhost:1/v1", "https://far.invalid/v1"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_named_by_their_variable(
    server: Any, generator: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(UsageError, match=f"variable SSL_CERT_FILE names '{file}'.*correct it, or unset it"):
        generator(base_url=address).prepare()


def test_of_a_proxy_the_scheme_decides_and_small_letters_go_first(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(address: str, **options: Any) -> str:
        return proxy_in_use(GeneratorConfig(base_url=address, **options))

    monkeypatch.setenv("ALL_PROXY", "all:1")
    assert used(FAR) == "ALL_PROXY (all:1)"
    monkeypatch.setenv("HTTPS_PROXY", "http://tls:2")
    assert used(FAR) == "ALL_PROXY (all:1)"
    assert used("https://far.invalid/v1") == "HTTPS_PROXY (http://tls:2)"
    monkeypatch.setenv("https_proxy", "http://small:3")
    assert used("https://far.invalid/v1") == "https_proxy (http://small:3)"
    assert used("https://localhost/v1") == used("https://far.invalid/v1", proxy="none") == ""
    monkeypatch.setenv("no_proxy", "far.invalid")
    assert used(FAR) == ""


def test_a_client_can_be_made_for_every_way(server: Any) -> None:
    for proxy in ("auto", "environment", "none"):
        for address in (FAR, "https://far.invalid/v1", "https://localhost/v1", server.url):
            assert http_client(EncoderConfig(base_url=address, proxy=proxy))
