"""Would catch: something else fetched than was asked for, a pickle among it, a need of the network where none is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakehub import FakeHub

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError, PluginError
from proofsearch.hub import Address, fetch, lasting, local

constants = pytest.importorskip(
    "huggingface_hub.constants", reason="huggingface_hub is not installed: pip install 'proofsearch[hub]'"
)


def address(text: str) -> Address:
    return Address.parse(text)


@pytest.fixture
def checkpoint(tmp_path: Path) -> dict[str, bytes]:
    """A whole checkpoint's files."""
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "model.json").write_text("[1, 2]")
    write_manifest(folder, Manifest("scorer", "small"), ["model.json"])
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_repository_is_fetched_at_the_commit_that_it_has_now(hub: FakeHub) -> None:
    first = hub.add("me/value", {"a.json": b"1"})
    pinned, place = fetch(address("hf://me/value"))
    assert pinned == Address("me/value", revision=first)
    assert (place / "a.json").read_bytes() == b"1"
    second = hub.add("me/value", {"a.json": b"2"})
    assert fetch(address("hf://me/value"))[0].revision == second
    assert (local(str(pinned)) / "a.json").read_bytes() == b"1"


def test_branches_folders_files_and_data_sets(hub: FakeHub) -> None:
    hub.add("me/value", {"a/model.json": b"1", "b/model.json": b"2", "ab/model.json": b"3"})
    pinned, place = fetch(address("hf://me/value/a"))
    assert place.name == "a" and place.parent.name == pinned.revision
    assert [file.name for file in place.parent.iterdir()] == ["a"]
    assert fetch(address("hf://me/value/b/model.json"))[1].read_bytes() == b"2"
    hub.repositories["models/me/value"].commit({"a/model.json": b"9"}, branch="dev")
    assert (fetch(address("hf://me/value@dev/a"))[1] / "model.json").read_bytes() == b"9"
    hub.add("me/searches", {"x.parquet": b"0"}, "datasets")
    assert (fetch(address("hf://datasets/me/searches"))[1] / "x.parquet").is_file()


def test_a_pinned_address_that_was_fetched_asks_for_nothing(hub: FakeHub) -> None:
    hub.add("me/value", {"a.json": b"1", "b/c.json": b"2"})
    pinned, place = fetch(address("hf://me/value"))
    hub.requests.clear()
    assert fetch(pinned) == (pinned, place)
    assert hub.requests == []


def test_what_holds_pickles_or_code_is_not_fetched(hub: FakeHub) -> None:
    names = [
        "pytorch_model.bin",
        "w.pt",
        "x/w.pth",
        "a.pkl",
        "a.pickle",
        "last.ckpt",
        "modeling.py",
        "keep.safetensors",
    ]
    hub.add("me/value", dict.fromkeys(names, b"0"))
    _, place = fetch(address("hf://me/value"))
    assert [file.name for file in place.rglob("*")] == ["keep.safetensors"]


def test_a_checkpoint_in_the_cache_is_read_though_its_files_are_links(
    hub: FakeHub, checkpoint: dict[str, bytes]
) -> None:
    hub.add("me/value", checkpoint)
    place = local("hf://me/value")
    assert (place / MANIFEST).is_symlink()
    assert read_manifest(place, kind="scorer").name == "small"


def test_a_strangers_manifest_does_not_lead_out_of_the_snapshot(hub: FakeHub, checkpoint: dict[str, bytes]) -> None:
    said = json.loads(checkpoint[MANIFEST])
    for name in ("../../refs/main", "/etc/passwd", "..\\x"):
        changed = json.dumps(said | {"files": {name: "0" * 64}}).encode()
        hub.add("me/value", checkpoint | {MANIFEST: changed})
        with pytest.raises(InputError, match="no plain path inside the checkpoint folder; refused"):
            read_manifest(local("hf://me/value"))


def test_a_link_in_the_cache_that_leads_elsewhere_is_refused(
    hub: FakeHub, checkpoint: dict[str, bytes], tmp_path: Path
) -> None:
    hub.add("me/value", checkpoint)
    place = local("hf://me/value")
    (tmp_path / "secret").write_text("[1, 2]")
    (place / "model.json").unlink()
    (place / "model.json").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="leads out of the checkpoint folder; refused"):
        read_manifest(place)
    with pytest.raises(InputError, match="leads out of the hub's cache; refused"):
        local("hf://me/value")


def test_a_file_that_was_changed_on_the_way_is_no_checkpoint(hub: FakeHub, checkpoint: dict[str, bytes]) -> None:
    hub.add("me/value", checkpoint | {"model.json": b"[1, 3]"})
    with pytest.raises(InputError, match="the file was changed or copied incompletely"):
        read_manifest(local("hf://me/value"))


def test_without_a_network_the_cache_is_used(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = hub.add("me/value", {"a.json": b"1"})
    fetch(address("hf://me/value"))
    hub.add("me/value", {"a.json": b"2"})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert lasting("hf://me/value") == f"hf://me/value@{commit}"
    with pytest.raises(InputError, match=r"HF_HUB_OFFLINE is set, and the cache .* hf download me/other --revision v2"):
        fetch(address("hf://me/other@v2"))
    with pytest.raises(InputError, match="hf download me/data --repo-type dataset"):
        fetch(address("hf://datasets/me/data"))
    assert hub.requests == []


def test_a_hub_that_does_not_answer(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = hub.add("me/value", {"a.json": b"1"})
    fetch(address("hf://me/value"))
    # A port that nobody listens at.
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert lasting("hf://me/value") == f"hf://me/value@{commit}"
    with pytest.raises(InputError, match=r"me/other: can't be fetched: http://127.0.0.1:9 doesn't answer .* try again"):
        fetch(address("hf://me/other"))


def test_what_is_not_there(hub: FakeHub) -> None:
    hub.add("me/value", {"a.json": b"1"})
    with pytest.raises(InputError, match=r"there is no such model .* hf://datasets/.* log in"):
        fetch(address("hf://me/none"))
    with pytest.raises(InputError, match="has no revision 'v9'; leave @v9 out"):
        fetch(address("hf://me/value@v9"))
    with pytest.raises(InputError, match="the model me/value holds no 'b'"):
        fetch(address("hf://me/value/b"))


def test_a_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert local("runs/x") == tmp_path / "runs" / "x"
    assert lasting(Path("runs/x")) == str(tmp_path / "runs" / "x")


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(PluginError, match=r"pip install 'proofsearch\[hub\]'"):
        fetch(address("hf://me/value"))
