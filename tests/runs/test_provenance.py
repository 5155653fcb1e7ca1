"""Would catch: a secret on the disk, a version that is missing."""

from __future__ import annotations

import importlib.metadata
import json
import sys

import pytest

from proofsearch.runs.provenance import collect, package_versions, redact


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


def test_every_package_is_there_with_the_version_that_the_standard_library_finds():
    expected = {}
    for distribution in importlib.metadata.distributions():
        if distribution.metadata is not None and distribution.metadata["Name"]:
            expected.setdefault(distribution.metadata["Name"].lower(), distribution.version)
    assert len(expected) > 10
    assert package_versions() == expected


def test_only_the_head_of_a_packages_metadata_counts(tmp_path, monkeypatch):
    for name, text in {
        "odd": "Metadata-Version: 2.1\nName: Odd-One\nVersion: 1.5\nSummary: x\n\nName: another\nVersion: 2\n",
        "empty": "",
        "nameless": "Version: 3\n",
    }.items():
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "METADATA").write_text(text)
    (tmp_path / "bare-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert package_versions() == {"odd-one": "1.5"}


def test_versions_and_fingerprints_are_there():
    found = json.loads(json.dumps(collect(7, {"set.mm": "ab12"})))
    assert found["command"] == redact(sys.argv)
    assert found["seed"] == 7
    assert found["fingerprint"] == {"set.mm": "ab12"}
    for package in ("proofsearch", "pyarrow", "numpy"):
        assert found["packages"][package] == importlib.metadata.version(package)
    for point in importlib.metadata.entry_points(group="proofsearch"):
        assert found["plugins"][point.dist.name] == point.dist.version
