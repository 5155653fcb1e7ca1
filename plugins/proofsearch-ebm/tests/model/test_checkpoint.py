"""Checkpoints: the same head comes back, anything odd is refused in words, and nothing whole is ever lost."""

from __future__ import annotations

import errno
import json
import pickle

import numpy as np
import pytest
import torch
from proofsearch_ebm.model.checkpoint import THEOREMS, load_checkpoint, save_checkpoint
from proofsearch_ebm.model.head import EnergyHead, HeadConfig
from safetensors import torch as safetensors_torch

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, read_manifest, write_manifest
from proofsearch.errors import InputError, StorageError
from proofsearch.trainers.tensors import pack, read_tensors

CONFIG = HeadConfig(width=6, hidden=(5, 4), output_bias=True)


def arrays(head):
    return {name: tensor.numpy() for name, tensor in head.state_dict().items()}


def save(folder, tensors, step=10, config=CONFIG, **more):
    settings = {
        "encoders": {"toy": {"size": 3}},
        "parts": "goals",
        "with_theorem": True,
        "training": {"steps": 3},
        "fingerprints": {"encoder": "toy-1"},
    }
    return save_checkpoint(folder, config, tensors, step=step, metrics={"gap": 1.5}, **(settings | more))


@pytest.fixture
def head():
    head = EnergyHead(CONFIG, seed=1)
    rng = np.random.default_rng(0)
    head.fit_inputs(rng.normal(3, 2, (50, 6)).astype(np.float32))
    optimiser = torch.optim.SGD(head.parameters(), 0.1)
    for _ in range(5):  # moves the vectors of spectral norm too
        head(torch.from_numpy(rng.normal(3, 2, (8, 6)).astype(np.float32))).energy.square().sum().backward()
        optimiser.step()
    return head


def rewrite(folder, change):
    """Changes the tensors of a checkpoint and signs it anew: what a careless tool would leave behind."""
    (file,) = folder.glob("head-*.safetensors")
    tensors = dict(read_tensors(file))
    change(tensors)
    file.write_bytes(pack(tensors))
    write_manifest(folder, read_manifest_unchecked(folder), [file.name])


def read_manifest_unchecked(folder):
    from proofsearch.checkpoint import Manifest

    values = json.loads((folder / MANIFEST).read_text())
    values.pop("format")
    return Manifest(**values)


def edit_config(folder, change):
    values = json.loads((folder / MANIFEST).read_text())
    change(values["config"])
    (folder / MANIFEST).write_text(json.dumps(values))


def test_saved_loaded_and_folded_gives_the_same_energies(head, tmp_path):
    save(tmp_path, arrays(head))
    loaded = load_checkpoint(tmp_path)
    rows = np.random.default_rng(1).normal(3, 2, (20, 6)).astype(np.float32)
    head.eval()
    with torch.no_grad():
        expected = head(torch.from_numpy(rows))
    found = loaded.head(rows)
    assert found.energy == pytest.approx(expected.energy.numpy(), abs=1e-5)
    assert found.remaining == pytest.approx(expected.cost.numpy(), abs=1e-5)
    assert (loaded.encoders, loaded.encoder_fingerprint, loaded.parts) == ({"toy": {"size": 3}}, "toy-1", "goals")
    assert loaded.metrics == {"gap": 1.5}


def test_only_a_second_output_by_buckets_needs_this_version(head, tmp_path):
    """Earlier versions know no bounds, and refuse a key that they don't know as damage."""
    written = save(tmp_path, arrays(head)).config
    assert written["format"] == 1
    assert "remaining_bounds" not in written["head"]
    by_buckets = EnergyHead(CONFIG.model_copy(update={"remaining_bounds": (1.0, 2.0)})).eval()
    written = save(tmp_path, arrays(by_buckets), config=by_buckets.config, step=20).config
    assert (written["format"], written["head"]["remaining_bounds"]) == (2, [1.0, 2.0])
    rows = np.random.default_rng(1).normal(3, 2, (20, 6)).astype(np.float32)
    with torch.no_grad():
        expected = by_buckets(torch.from_numpy(rows)).cost.numpy()
    assert load_checkpoint(tmp_path).head(rows).remaining == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("parts", ["goals", "state"])
@pytest.mark.parametrize("with_theorem", [True, False])
def test_what_the_encoder_read_comes_back(head, tmp_path, parts, with_theorem):
    # Would catch a search that shows the encoder something else than training did.
    save(tmp_path, arrays(head), parts=parts, with_theorem=with_theorem)
    loaded = load_checkpoint(tmp_path)
    assert (loaded.parts, loaded.with_theorem) == (parts, with_theorem)


def test_several_encoders_come_back_in_their_order_with_their_options_and_the_policy(head, tmp_path):
    encoders = {"toy": {"size": 3}, "policy": {"vectors": False}}
    save(tmp_path, arrays(head), encoders=encoders, fingerprints={"encoder": "toy-1+policy-1", "policy": "knn-1"})
    loaded = load_checkpoint(tmp_path)
    assert list(loaded.encoders.items()) == list(encoders.items())
    assert (loaded.encoder_fingerprint, loaded.policy_fingerprint) == ("toy-1+policy-1", "knn-1")


def test_the_names_of_learnt_theorems_come_back_if_somebody_noted_them(head, tmp_path):
    save(tmp_path, arrays(head))
    assert load_checkpoint(tmp_path).learnt is None
    save(tmp_path, arrays(head), learnt={"b", "a", "ä"})
    assert load_checkpoint(tmp_path).learnt == {"a", "b", "ä"}


@pytest.mark.parametrize("content", ["", "{}", "[1]"])
def test_damaged_names_of_theorems_are_refused(head, tmp_path, content):
    save(tmp_path, arrays(head), learnt={"a"})
    (tmp_path / THEOREMS).write_text(content)
    manifest = read_manifest_unchecked(tmp_path)
    write_manifest(tmp_path, manifest, manifest.files)
    with pytest.raises(InputError, match=f"{THEOREMS}: "):
        load_checkpoint(tmp_path)


def test_tensors_come_back_bit_for_bit(tmp_path):
    original = {
        "odd": np.array([np.nan, -0.0, 1e-45, np.inf], np.float32),
        "scalar": np.array(7, np.int64),
        "strided": np.arange(12, dtype=np.float64).reshape(3, 4).T,
        "bytes": np.arange(5, dtype=np.uint8),
    }
    (tmp_path / "x").write_bytes(pack(original))
    found = read_tensors(tmp_path / "x")
    for name, array in original.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_a_better_head_replaces_the_file_of_the_one_before(head, tmp_path):
    save(tmp_path, arrays(head), step=10)
    save(tmp_path, arrays(head), step=20)
    assert [file.name for file in tmp_path.glob("head-*")] == ["head-00000020.safetensors"]
    load_checkpoint(tmp_path)


@pytest.mark.parametrize("fails", ["head", MANIFEST])
def test_full_disk_while_saving_leaves_the_checkpoint_before(head, tmp_path, monkeypatch, fails):
    save(tmp_path, arrays(head), step=10)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    whole = storage.write_whole

    def full(path, content):
        if path.name.startswith(fails):
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=r"No space left on device; the .*that was there before is untouched"):
        save(tmp_path, {name: array + 1 for name, array in arrays(head).items()}, step=20)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("fails", "message"), [("head", "there is no checkpoint yet"), (MANIFEST, "without it the checkpoint is not")]
)
def test_full_disk_at_the_first_saving_speaks_of_no_checkpoint_before(head, tmp_path, monkeypatch, fails, message):
    whole = storage.write_whole

    def full(path, content):
        if path.name.startswith(fails):
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, content)

    monkeypatch.setattr(storage, "write_whole", full)
    with pytest.raises(StorageError, match=f"No space left on device; {message}") as found:
        save(tmp_path, arrays(head))
    assert "before" not in str(found.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("layers.0.parametrizations.weight.0._u"), r"_u' is missing"),
        (lambda tensors: tensors.update(extra=np.zeros(2, np.float32)), "'extra' belongs to no part"),
        (lambda tensors: tensors.update(input_mean=np.zeros(7, np.float32)), r"shape \(7,\)"),
        (lambda tensors: tensors.update(log_temperature=np.array(np.nan, np.float32)), "not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(head, tmp_path, change, message):
    save(tmp_path, arrays(head))
    rewrite(tmp_path, change)
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path)


class Malicious:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was opened",))


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_a_pickle_in_disguise_is_named_and_never_opened(head, tmp_path, kind):
    save(tmp_path, arrays(head))
    (file,) = tmp_path.glob("head-*.safetensors")
    if kind == "torch":
        torch.save({"a": torch.zeros(1)}, file)
    else:
        file.write_bytes(pickle.dumps(Malicious()))
    write_manifest(tmp_path, read_manifest_unchecked(tmp_path), [file.name])
    with pytest.raises(InputError, match=r"a pickle .* was not opened"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff" * 64, b"\x08\0\0\0\0\0\0\0not json"])
def test_garbage_is_no_safetensors_file(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="not a safetensors file, or damaged"):
        read_tensors(tmp_path / "x.safetensors")


def test_a_type_of_numbers_that_numpy_lacks_is_refused_in_words(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(safetensors_torch.save({"a": torch.zeros(2, dtype=torch.bfloat16)}))
    with pytest.raises(InputError, match="numbers of type 'BF16'"):
        read_tensors(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(format=99), "format 99 .*upgrade"),
        (lambda config: config.update(format="new"), "config.format is 'new'"),
        (lambda config: config.update(parts="words"), "config.parts is 'words'"),
        (lambda config: config.pop("with_theorem"), "config.with_theorem is None"),
        (lambda config: config.update(with_theorem=1), "config.with_theorem is 1"),
        (lambda config: config.update(appended=["policy"]), "config.appended is"),
        (lambda config: config.pop("encoder"), "which encoder"),
        (lambda config: config["head"].update(width=-1), r"config\.head\.width"),
        (lambda config: config["head"].update(depth=3), r"config\.head\.depth"),
        (lambda config: config.pop("head"), r"config\.head"),
    ],
)
def test_a_manifest_that_is_newer_or_damaged_is_refused(head, tmp_path, change, message):
    save(tmp_path, arrays(head))
    edit_config(tmp_path, change)
    with pytest.raises(InputError, match=message):
        load_checkpoint(tmp_path)


def test_a_changed_byte_is_found(head, tmp_path):
    save(tmp_path, arrays(head))
    (file,) = tmp_path.glob("head-*.safetensors")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="SHA-256"):
        load_checkpoint(tmp_path)


def test_the_manifest_says_what_it_was_made_with(head, tmp_path):
    save(tmp_path, arrays(head))
    manifest = read_manifest(tmp_path, kind="scorer", name="ebm")
    assert manifest.config["head"] == CONFIG.model_dump(mode="json", exclude={"remaining_bounds"})
    assert manifest.config["training"] == {"steps": 3}
    assert "torch" in manifest.versions
