"""What the doctor is told: whether there is a key, never which, and whether a server answers."""

from __future__ import annotations

from typing import Any

import pytest
from proofsearch_openai import diagnosis
from proofsearch_openai.diagnosis import examine

from proofsearch import Finding


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_a_server_and_its_models(server: Any, reply: Any) -> None:
    server.models = reply({"object": "list", "data": [{"id": "a"}, {"id": "b"}]})
    assert diagnosis._server(server.url) == Finding("server", "found", f"{server.url} serves a, b")


def test_that_there_is_a_key_is_told_and_not_which(key: str) -> None:
    findings = found()
    assert findings["key"] == Finding("key", "found", "OPENAI_API_KEY is set")
    assert key not in str(findings)


def test_neither_key_nor_server(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnosis._server("http://127.0.0.1:9/v1").state == "absent"
    assert "--openai-base-url" in diagnosis._server("http://127.0.0.1:9/v1").remedy
    assert found()["key"].state == "absent"


def test_something_else_that_answers_there(server: Any, reply: Any) -> None:
    server.models = reply({"error": "no"}, 404)
    assert diagnosis._server(server.url).message == f"{server.url} answers with 404"
    server.models = reply(b"<html>")
    assert diagnosis._server(server.url).state == "absent"


def test_a_key_that_cannot_be_one_is_a_problem_and_is_not_told(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "two words")
    finding = found()["key"]
    assert finding.state == "problem"
    assert "two words" not in str(finding)
