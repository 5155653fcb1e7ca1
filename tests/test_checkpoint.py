"""Would catch: a checkpoint that is incomplete, changed, from elsewhere or of another kind being loaded."""

from __future__ import annotations

import json

import pytest

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, write_manifest
from proofsearch.errors import InputError, StorageError

MANIFEST_OF_EBM = Manifest(
    "scorer",
    "ebm",
    config={"width": 512, "spectral_norm": True, "dropout": 0.1, "path": None},
    versions={"torch": "2.13.0"},
    fingerprints={"encoder": "ab12"},
    metrics={"rank1": 0.61, "by_depth": {"0-1": 0.7}},
)


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "ckpt"
    (folder / "heads").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(range(256)))
    (folder / "heads" / "zscore.json").write_text("{}")
    write_manifest(folder, MANIFEST_OF_EBM, ["model.safetensors", "heads/zscore.json"])
    return folder


def change(folder, **values):
    file = folder / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_a_manifest_comes_back_as_it_was(checkpoint):
    manifest = read_manifest(checkpoint, kind="scorer", name="ebm")
    assert manifest.config == MANIFEST_OF_EBM.config
    assert manifest.versions == MANIFEST_OF_EBM.versions
    assert manifest.fingerprints == MANIFEST_OF_EBM.fingerprints
    assert manifest.metrics == MANIFEST_OF_EBM.metrics
    assert list(manifest.files) == ["heads/zscore.json", "model.safetensors"]
    assert all(len(digest) == 64 for digest in manifest.files.values())


def test_newer_format_is_refused(checkpoint):
    change(checkpoint, format=2)
    with pytest.raises(InputError, match=r"manifest\.json: the checkpoint has format 2, .* up to 1; upgrade with"):
        read_manifest(checkpoint)


@pytest.mark.parametrize("version", [None, True, "1", 0, 1.5])
def test_nonsense_format_is_refused(checkpoint, version):
    change(checkpoint, format=version)
    with pytest.raises(InputError, match="damaged: format is"):
        read_manifest(checkpoint)


def test_other_kinds_and_names_are_refused(checkpoint):
    with pytest.raises(InputError, match="a checkpoint of a scorer, expected one of a generator"):
        read_manifest(checkpoint, kind="generator")
    with pytest.raises(InputError, match="a checkpoint for 'ebm', expected one for 'gnn'"):
        read_manifest(checkpoint, kind="scorer", name="gnn")


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_manifest(tmp_path / "nothing")
    with pytest.raises(InputError, match=r"not a complete checkpoint \(it has no manifest\.json\)"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "expected a JSON object, found list"),
        (b'{"format": 1}', "kind is None, expected a string"),
    ],
)
def test_damaged_manifests(checkpoint, content, message):
    (checkpoint / MANIFEST).write_bytes(content)
    with pytest.raises(InputError, match=rf"manifest\.json: damaged: {message}"):
        read_manifest(checkpoint)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"config": []}, r"config is \[\], expected an object"),
        ({"files": {"model.safetensors": 3}}, r"files\['model.safetensors'\] is 3, expected a string"),
        ({"loader": "os.system"}, "unknown entry 'loader'"),
    ],
)
def test_damaged_entries(checkpoint, values, message):
    change(checkpoint, **values)
    with pytest.raises(InputError, match=message):
        read_manifest(checkpoint)


def test_every_changed_byte_is_noticed(checkpoint):
    file = checkpoint / "model.safetensors"
    good = file.read_bytes()
    for at in range(0, len(good), 51):
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(InputError, match=r"model\.safetensors: its SHA-256 is .*copy the checkpoint again"):
            read_manifest(checkpoint)
    file.write_bytes(good[:-1])
    with pytest.raises(InputError, match="SHA-256"):
        read_manifest(checkpoint)
    file.unlink()
    with pytest.raises(InputError, match=r"model\.safetensors: missing"):
        read_manifest(checkpoint)


@pytest.mark.parametrize(
    "path",
    ["../secret", "heads/../../secret", "/etc/passwd", "C:\\x", "C:x", "a\\..\\b", "", ".", "./model", "a//b", "x\0y"],
)
def test_paths_that_leave_the_folder_are_refused(checkpoint, path):
    change(checkpoint, files={path: "0" * 64})
    with pytest.raises(InputError, match=r"is no plain path inside the checkpoint folder; refused"):
        read_manifest(checkpoint)
    with pytest.raises(InputError, match="refused"):
        write_manifest(checkpoint, MANIFEST_OF_EBM, [path])


def test_links_that_leave_the_folder_are_refused(checkpoint, tmp_path):
    (tmp_path / "secret").write_text("x")
    (checkpoint / "link").symlink_to(tmp_path / "secret")
    (checkpoint / "up").symlink_to(tmp_path)
    for path in ("link", "up/secret"):
        with pytest.raises(InputError, match="is a link that leads out"):
            write_manifest(checkpoint, MANIFEST_OF_EBM, [path])


def test_a_missing_file_is_not_written_down(checkpoint):
    before = (checkpoint / MANIFEST).read_bytes()
    with pytest.raises(InputError, match=r"optimizer\.safetensors: missing"):
        write_manifest(checkpoint, MANIFEST_OF_EBM, ["model.safetensors", "optimizer.safetensors"])
    assert (checkpoint / MANIFEST).read_bytes() == before


def test_values_that_json_can_not_hold_are_refused(checkpoint):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(checkpoint, Manifest("scorer", "ebm", metrics={"loss": float("nan")}), ["model.safetensors"])


def test_a_full_disk_keeps_the_old_manifest(checkpoint, monkeypatch):
    before = (checkpoint / MANIFEST).read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("proofsearch.storage.files.os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device; the one that was there before is untouched"):
        write_manifest(checkpoint, MANIFEST_OF_EBM, ["model.safetensors"])
    assert (checkpoint / MANIFEST).read_bytes() == before
    assert not (checkpoint / f"{MANIFEST}.part").exists()
