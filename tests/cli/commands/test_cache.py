"""``proofsearch cache``: what is shown is what there is, and only what is named goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Cli

from proofsearch.models.embedding_cache import FOLDER, EmbeddingStore, files, text_key


@pytest.fixture
def full(cache_folder: Path) -> Path:
    """A cache folder with encoded states of three encoders and two other things."""
    store = EmbeddingStore(cache_folder / FOLDER, 100, print, lambda: 1_700_000_000)
    for fingerprint, rows in (("mine-1a", 1), ("mine-2b", 40), ("other", 3)):
        keys = [text_key(str(number)) for number in range(rows)]
        store.put(fingerprint, keys, np.ones((rows, 2500), np.float32))
    store.close()
    for name in ("knn/one/vectors.npy", "metamath/library.bin"):
        (cache_folder / name).parent.mkdir(parents=True)
        (cache_folder / name).write_bytes(b"x" * 1_500_000)
    return cache_folder


def fingerprints(folder: Path) -> list[str]:
    return [one.fingerprint for one in EmbeddingStore(folder / FOLDER, None, print).stored()]


def test_what_the_cache_holds_is_shown(cli: Cli, full: Path) -> None:
    shown = json.loads(cli("cache", "info", "--json").out)
    assert shown["folder"] == str(full)
    assert {entry["name"]: entry["megabytes"] for entry in shown["entries"][1:]} == {"knn": 1.5, "metamath": 1.5}
    assert shown["entries"][0]["name"] == FOLDER
    assert 0.44 < shown["entries"][0]["megabytes"] < 1
    encoders = [(one["fingerprint"], one["rows"], one["megabytes"]) for one in shown["encoders"]]
    assert encoders == [("mine-2b", 40, 0.4), ("other", 3, 0.03), ("mine-1a", 1, 0.01)]
    assert all(one["last_use"].startswith("2023-11-1") for one in shown["encoders"])
    table = cli("cache", "info").out
    for text in (str(full), "knn", "mine-2b", "2023-11-1"):
        assert text in table


def test_an_empty_cache_is_shown_and_cleared_as_such(cli: Cli, cache_folder: Path) -> None:
    assert json.loads(cli("cache", "info", "--json").out)["entries"] == []
    assert cli("cache", "clear").out == f"{cache_folder} holds no encoded states\n"
    assert not cache_folder.exists()


def test_clear_takes_the_encoded_states_and_leaves_the_rest(cli: Cli, full: Path) -> None:
    done = cli("cache", "clear")
    assert (done.code, done.out[:12]) == (0, "embeddings: ")
    assert fingerprints(full) == []
    assert (full / "knn" / "one" / "vectors.npy").exists()


def test_parts_are_cleared_by_name(cli: Cli, full: Path) -> None:
    assert cli("cache", "clear", "knn", "metamath").out == "knn: 1.5 MB cleared\nmetamath: 1.5 MB cleared\n"
    assert [path.name for path in full.iterdir()] == [FOLDER]
    assert len(fingerprints(full)) == 3


@pytest.mark.parametrize("fingerprint", ["mine-2b", "mine-2", "o"])
def test_one_encoder_is_cleared_by_how_its_fingerprint_begins(cli: Cli, full: Path, fingerprint: str) -> None:
    done = cli("cache", "clear", "--fingerprint", fingerprint)
    assert done.code == 0
    left = fingerprints(full)
    assert len(left) == 2
    assert not any(one.startswith(fingerprint) for one in left)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kn"], "holds no 'kn'; it holds: embeddings, knn, metamath"),
        (["../here"], "holds no '../here'"),
        (["knn", "nothing"], "holds no 'nothing'"),
        (["--fingerprint", "mine"], "several encoders have a fingerprint that begins so; there are: mine-2b, mine-1a"),
        (["--fingerprint", "x"], "no encoder has a fingerprint that begins so; there are: mine-2b, other, mine-1a"),
        (["knn", "--fingerprint", "o"], "--fingerprint chooses among the encoded states"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_goes(cli: Cli, full: Path, arguments: list[str], message: str) -> None:
    done = cli("cache", "clear", *arguments)
    assert done.code == 2
    assert message in done.err
    assert len(fingerprints(full)) == 3
    assert (full / "knn").exists()


def test_a_damaged_database_is_shown_as_such_and_cleared(cli: Cli, full: Path) -> None:
    path = files.newest(full / FOLDER)
    assert path is not None
    path.write_bytes(b"no database" * 500)
    done = cli("cache", "info")
    assert done.code == 0
    assert "the encoded states can't be used: file is not a database" in done.err
    assert "knn" in done.out
    done = cli("cache", "clear", "--fingerprint", "other")
    assert done.code == 3
    assert "proofsearch cache clear" in done.err
    assert cli("cache", "clear").code == 0
    assert fingerprints(full) == []
