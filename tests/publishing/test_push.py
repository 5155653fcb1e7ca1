"""Would catch: a push that loses what is there, tells what is nobody's business, or can't be fetched again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fakehub import FakeHub

from proofsearch.checkpoint import MANIFEST, SETTINGS, Manifest, read_manifest, write_manifest
from proofsearch.config import TrainConfig
from proofsearch.config.toml import to_toml
from proofsearch.errors import InputError, UsageError
from proofsearch.hub import Address, fetch, local
from proofsearch.hub.upload import card_text
from proofsearch.publishing.push import push
from proofsearch.trajectory.reader import read_searches

ME = Address("me/value")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint with another inside it, beside files that are not its own."""
    folder = tmp_path / "checkpoint"
    (folder / "fold-0").mkdir(parents=True)
    (folder / "fold-0" / "w.safetensors").write_bytes(b"\0" * 9)
    write_manifest(folder / "fold-0", Manifest("generator", "inner"), ["w.safetensors"])
    (folder / "model.json").write_text("{}")
    (folder / "optimizer.safetensors").write_bytes(b"large")
    config = TrainConfig(plugin="small", env="fake", trajectories=("/home/somebody/runs/first", "hf://datasets/a/b"))
    (folder / SETTINGS).write_text(to_toml(config))
    manifest = Manifest(
        "scorer",
        "small",
        config={"start": "/home/somebody/old", "width": 3},
        versions={"proofsearch": "0.1.0"},
        fingerprints={"environment": "ab12"},
        metrics={"gain": 0.125, "stopped": "steps", "by depth": {"0-1": 0.5}},
    )
    write_manifest(folder, manifest, ["model.json", f"fold-0/{MANIFEST}"])
    return folder


def test_a_checkpoint_comes_back_as_it_was(hub: FakeHub, checkpoint: Path) -> None:
    pushed = push(checkpoint, ME, option={("scorer", "small"): "--small-path"})
    assert pushed.address.is_pinned and pushed.option == "--small-path"
    place = local(str(pushed.address))
    assert read_manifest(place) == read_manifest(checkpoint)
    assert read_manifest(place / "fold-0").name == "inner"
    names = {"model.json", MANIFEST, f"fold-0/{MANIFEST}", "fold-0/w.safetensors", "README.md", ".gitattributes"}
    assert set(hub.files("me/value")) == names


def test_its_card_says_what_it_is_and_not_where_it_was_made(hub: FakeHub, checkpoint: Path) -> None:
    pushed = push(checkpoint, ME, option={("scorer", "small"): "--small-path"}, licence="mit")
    card = hub.files("me/value")["README.md"].decode()
    assert card.startswith("---\n") and 'license: "mit"' in card and 'library_name: "proofsearch"' in card
    for said in (
        "A checkpoint of the scorer `small`",
        "proofsearch search --env fake --scorer small --small-path hf://me/value",
        "| searches | first, hf://datasets/a/b |",
        "| fingerprint of the environment | ab12 |",
        "| made with proofsearch | 0.1.0 |",
        "| gain | 0.125 |",
        '"0-1": 0.5',
        '"width": 3',
        "Where nothing is stated there, nothing is granted.",
    ):
        assert said in card
    assert "somebody" not in card
    # The manifest goes as it is: what it tells of this machine is said.
    assert pushed.places == ("/home/somebody/old",)


def test_a_runs_searches_come_back_as_they_were(hub: FakeHub, run: Path) -> None:
    pushed = push(run, Address("me/searches"))
    assert pushed.address.kind == "dataset"
    place = local(f"{pushed.address}/trajectories")
    ours = {search.search_id: search.table for search in read_searches([run])}
    assert {search.search_id: search.table for search in read_searches([place])} == ours
    card = hub.files("me/searches", "datasets")["README.md"].decode()
    assert '"config_name": "steps"' in card and "| environment | fake |" in card
    assert "| proved (accepted by an independent check) |" in card
    assert "…/log" in card and "somewhere" not in card


def test_what_a_user_wrote_in_a_card_stays(hub: FakeHub, checkpoint: Path) -> None:
    push(checkpoint, ME, licence="mit")
    repository = hub.repositories["models/me/value"]
    card = hub.files("me/value")["README.md"].decode()
    edited = card.replace('license: "mit"', "license: cc0-1.0\nlanguage: en").replace(
        "<!-- Written", "Mine.\n\n<!-- Written", 1
    )
    repository.commit({"README.md": (edited + "\nMine too.\n").encode()})
    (checkpoint / "model.json").write_text("[]")
    manifest = read_manifest_as(checkpoint)
    write_manifest(checkpoint, manifest, manifest.files)
    push(checkpoint, ME, licence="mit", message="again")
    again = hub.files("me/value")["README.md"].decode()
    assert 'license: "cc0-1.0"' in again and 'language: "en"' in again
    assert again.index("Mine.") < again.index("<!-- Written") < again.index("<!-- End of") < again.index("Mine too.")
    assert again.count("# value") == 1
    assert repository.messages[-1] == "again"


def read_manifest_as(folder: Path) -> Manifest:
    values = json.loads((folder / MANIFEST).read_text())
    values.pop("format")
    return Manifest(**values)


def test_a_card_that_no_push_wrote_is_added_to(checkpoint: Path) -> None:
    text = card_text("# Ours", {"tags": ["a"]}, "---\ntags:\n- b\n---\n\nTheirs.\n")
    assert text.index('tags: ["b"]') < text.index("Theirs.") < text.index("# Ours")
    assert text.count("---\n") == 2


def test_files_of_an_earlier_run_do_not_stay_beside_those_of_the_new_one(hub: FakeHub, run: Path) -> None:
    hub.add("me/searches", {"steps/old.parquet": b"", "notes/mine.txt": b"mine"}, "datasets")
    push(run, Address("me/searches", "dataset"))
    files = hub.files("me/searches", "datasets")
    assert "steps/old.parquet" not in files and "steps/train.parquet" in files
    assert files["notes/mine.txt"] == b"mine"


def test_folders_branches_and_private_repositories(hub: FakeHub, checkpoint: Path) -> None:
    pushed = push(checkpoint, Address("me/value", folder="round-1"), private=True)
    assert hub.repositories["models/me/value"].private
    assert f"round-1/{MANIFEST}" in hub.files("me/value") and "round-1/README.md" in hub.files("me/value")
    assert (fetch(pushed.address)[1] / MANIFEST).is_file()


def test_what_is_refused_before_anything_is_pushed(hub: FakeHub, checkpoint: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a commit is never changed; push to a branch"):
        push(checkpoint, ME.at("0" * 40))
    with pytest.raises(UsageError, match="a checkpoint goes to a model"):
        push(checkpoint, Address("me/value", "dataset"))
    with pytest.raises(UsageError, match="leave /a out"):
        push(run, Address("me/searches", folder="a"))
    (checkpoint / "model.json").write_text("changed")
    with pytest.raises(InputError, match="its SHA-256 is"):
        push(checkpoint, ME)
    with pytest.raises(InputError, match="no such folder; expected a checkpoint"):
        push(tmp_path / "none", ME)
    assert hub.repositories == {}


def test_without_a_token_it_says_how_to_log_in(hub: FakeHub, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(InputError, match=r"hf://me/value: can't be pushed to: the hub refuses it \(401\); log in"):
        push(checkpoint, ME)
    assert "HF_TOKEN" not in os.environ
