"""Would catch: a secret on the disk, a version that is missing."""

from __future__ import annotations

import importlib.metadata
import json

import pytest

from proofsearch.runs.provenance import collect, redact


@pytest.mark.parametrize(
    ("argv", "redacted"),
    [
        (["--openai-api-key", "sk-1", "--seed", "3"], ["--openai-api-key", "***", "--seed", "3"]),
        (["--openai-api_key=sk-1"], ["--openai-api_key=***"]),
        (["--token=a=b"], ["--token=***"]),
        (["--hub-token", "-odd-secret"], ["--hub-token", "***"]),
        (["--llm-password", "--seed", "3"], ["--llm-password", "--seed", "3"]),
        (["--url", "https://me:pw@host/v1?api_key=x&n=2"], ["--url", "https://***@host/v1?api_key=***&n=2"]),
        (["--max-tokens", "512", "--keyboard", "de"], ["--max-tokens", "512", "--keyboard", "de"]),
        (["search", "2p2e4", "--env", "metamath"], ["search", "2p2e4", "--env", "metamath"]),
    ],
)
def test_secrets_are_taken_out(argv, redacted):
    assert redact(argv) == redacted


def test_versions_and_fingerprints_are_there():
    found = json.loads(json.dumps(collect(["search"], 7, {"set.mm": "ab12"})))
    assert found["seed"] == 7
    assert found["fingerprint"] == {"set.mm": "ab12"}
    for package in ("proofsearch", "pyarrow", "numpy"):
        assert found["packages"][package] == importlib.metadata.version(package)
    for point in importlib.metadata.entry_points(group="proofsearch"):
        assert found["plugins"][point.dist.name] == point.dist.version
