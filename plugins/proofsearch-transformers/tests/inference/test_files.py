"""What is loaded and what is refused before it is: pickles, foreign code, adapters, files that are missing."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig, ModelConfig
from proofsearch_transformers.inference.encoder import TransformersEncoder
from proofsearch_transformers.inference.files import content_hash, find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from proofsearch_transformers.inference.loading import choose_device, load_language_model, load_tokenizer
from safetensors.torch import load_file, save_file

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import GenerationRequest
from proofsearch.types import State, Theorem


@pytest.fixture
def copy(tiny: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny["llama"], tmp_path / "model"))


def config(folder: Path | str, **options: Any) -> ModelConfig:
    return GeneratorConfig(model=str(folder), device="cpu", **options)


def rows(folder: Path, **options: Any) -> Any:
    made = EncoderConfig(model=str(folder), device="cpu", **options)
    encoder = TransformersEncoder(made, find_files(made), folder / "cache")
    return encoder.encode([State("(a-b)", ()), State("c", ())])


def edit(file: Path, **changed: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_bytes()) | changed))


def test_pickled_weights_need_leave(copy: Path) -> None:
    expected = rows(copy)
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(UsageError, match=r"pickled weights alone .*--transformers-allow-pickle"):
        find_files(config(copy))
    assert find_files(config(copy, allow_pickle=True)).pickled
    assert np.allclose(rows(copy, allow_pickle=True), expected, atol=1e-5)


def test_safetensors_are_taken_even_where_pickles_are_allowed(copy: Path) -> None:
    (copy / "pytorch_model.bin").write_bytes(b"never read")
    assert not find_files(config(copy, allow_pickle=True)).pickled
    load_language_model(config(copy, allow_pickle=True), find_files(config(copy, allow_pickle=True)))


MARK = "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.mark.parametrize("where", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_needs_leave_and_is_not_run(copy: Path, where: str) -> None:
    (copy / "configuration_mine.py").write_text(MARK)
    edit(copy / "config.json", model_type="mine")
    edit(copy / where, auto_map={"AutoConfig": "configuration_mine.Mine"})
    with pytest.raises(UsageError, match=r"comes with Python code of its own.*--transformers-trust-remote-code"):
        find_files(config(copy))
    assert not (copy / "ran").exists()


def test_code_beside_a_model_that_transformers_knows_is_left_alone(copy: Path) -> None:
    (copy / "modeling_mine.py").write_text(MARK)
    edit(copy / "config.json", auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"})
    load_language_model(config(copy), find_files(config(copy)))
    assert not (copy / "ran").exists()


def test_code_is_run_and_counts_for_the_fingerprint_where_it_is_allowed(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    (copy / "mine.py").write_text(
        "from transformers import LlamaConfig, LlamaForCausalLM\n"
        "class MyConfig(LlamaConfig):\n    model_type = 'mine'\n"
        "class MyModel(LlamaForCausalLM):\n    config_class = MyConfig\n"
    )
    edit(
        copy / "config.json",
        model_type="mine",
        auto_map={"AutoConfig": "mine.MyConfig", "AutoModelForCausalLM": "mine.MyModel"},
    )
    allowed = config(copy, trust_remote_code=True)
    assert type(load_language_model(allowed, find_files(allowed))).__name__ == "MyModel"
    files = find_files(allowed)
    before = files.fingerprint(tmp_path, code=True), files.fingerprint(tmp_path)
    (copy / "mine.py").write_text("")
    assert files.fingerprint(tmp_path, code=True) != before[0]
    assert files.fingerprint(tmp_path) == before[1]


def test_a_configuration_that_names_its_weights_is_refused(copy: Path) -> None:
    """transformers would read the file that it names, a pickle included, whatever is asked of it."""
    edit(copy / "config.json", transformers_weights="evil.bin")
    with pytest.raises(InputError, match=r"transformers_weights is 'evil\.bin'"):
        find_files(config(copy))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (
            {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}},
            r"two\.safetensors: missing, one of 2 files",
        ),
        ({"weight_map": {"a": "../one.safetensors"}}, "no table from tensors to files beside it"),
        ({"weight_map": {"a": "one.bin"}}, r"names 'one\.bin', expected files that end with \.safetensors"),
        ({}, "no table from tensors to files beside it"),
    ],
)
def test_shards_that_are_missing_or_elsewhere_are_refused(copy: Path, index: dict[str, Any], message: str) -> None:
    (copy / "model.safetensors").rename(copy / "one.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match=message):
        find_files(config(copy))


def test_shards_are_read_together(copy: Path) -> None:
    expected = rows(copy)
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, some in parts.items():
        save_file({name: weights[name] for name in some}, copy / file, {"format": "pt"})
    placed = {name: file for file, some in parts.items() for name in some}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))
    assert find_files(config(copy)).weights == ("one.safetensors", "two.safetensors")
    assert np.allclose(rows(copy), expected, atol=1e-6)


def test_weights_that_would_be_random_are_refused(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"lacks 1 of the weights .*model\.layers\.1\.mlp\.up_proj\.weight"):
        load_language_model(config(copy), find_files(config(copy)))
    with pytest.raises(InputError, match="lacks 1 of the weights"):
        rows(copy)


def test_what_is_no_model_is_refused(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(InputError, match=r"no model of transformers: config\.json"):
        find_files(config(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        find_files(config("/no/such/folder"))
    with pytest.raises(UsageError, match=r"is a folder, which has no revisions"):
        find_files(config(copy, revision="main"))
    (copy / "tokenizer.json").unlink()
    (copy / "tokenizer_config.json").unlink()
    with pytest.raises(InputError, match="tokenizer"):
        load_tokenizer(config(copy), find_files(config(copy)))
    (copy / "config.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        find_files(config(copy))


def test_a_model_of_the_hub_is_fetched_by_name_and_revision_and_only_what_is_needed(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None, list[str]]] = []

    def fetch(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision, allow_patterns))
        return str(copy)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert find_files(config("owner/name", revision="v2")).folder == copy
    assert {(name, revision) for name, revision, _ in asked} == {("owner/name", "v2")}
    wanted = {pattern for _, _, patterns in asked for pattern in patterns}
    assert {"model.safetensors", "template.toml"} <= wanted
    assert not any(pattern.endswith((".bin", ".py", ".pt")) for pattern in wanted)

    def fail(name: str, revision: str | None, allow_patterns: list[str]) -> str:
        raise OSError("no network\nand a page of advice")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(
        InputError, match=r"owner/name: no such folder, and the hub .* at revision v2: no network; check"
    ):
        find_files(config("owner/name", revision="v2"))


def test_a_device_or_package_that_is_not_there_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="device cuda:99: torch sees"):
        choose_device("cuda:99")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    squeezed = config(copy, quantisation="4bit")
    with pytest.raises(UsageError, match=r"--transformers-quantisation 4bit: needs the package bitsandbytes"):
        load_language_model(squeezed, find_files(squeezed))


def test_spread_loads_the_same_model(copy: Path) -> None:
    made = EncoderConfig(model=str(copy), device="spread")
    spread = TransformersEncoder(made, find_files(made), copy).encode([State("(a-b)", ()), State("c", ())])
    assert np.allclose(spread, rows(copy), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")  # peft's use of transformers
def test_an_adapter_changes_the_model_as_peft_says(copy: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    model = load_language_model(config(copy), find_files(config(copy)))
    torch.manual_seed(0)
    lora = peft.LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    adapted = peft.get_peft_model(model, lora)
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer = load_tokenizer(config(copy), find_files(config(copy)))
    ids = torch.tensor([tokenizer("(a-b)")["input_ids"]])
    with torch.no_grad():
        expected = adapted(ids).logits
    asked = config(copy, adapter=tmp_path / "adapter")
    files = find_files(asked)
    with torch.no_grad():
        assert torch.allclose(load_language_model(asked, files)(ids).logits, expected, atol=1e-4)
    assert files.fingerprint(tmp_path) != find_files(config(copy)).fingerprint(tmp_path)
    # As an encoder: the backbone of the adapted model.
    assert np.abs(rows(copy, adapter=tmp_path / "adapter") - rows(copy)).max() > 1e-2
    with pytest.raises(UsageError, match="so it is an adapter; name the model"):
        shutil.copy(copy / "config.json", tmp_path / "adapter")
        find_files(config(tmp_path / "adapter"))
    with pytest.raises(InputError, match=r"no adapter_config\.json in it"):
        find_files(config(copy, adapter=copy))


def test_a_hash_is_of_the_content(tmp_path: Path) -> None:
    """Kept by path, size and time of change; what is kept and damaged is computed again."""
    file, cache = tmp_path / "weights", tmp_path / "cache"
    file.write_bytes(b"x" * (1 << 24))
    first = content_hash(file, cache)
    (kept,) = (cache / "file-hashes").iterdir()
    kept.write_text("damaged")
    assert content_hash(file, cache) == first
    kept.write_text("0" * 64)
    assert content_hash(file, cache) == "0" * 64, "what was hashed once is hashed again"
    file.write_bytes(b"y" * (1 << 24))
    assert content_hash(file, cache) not in (first, "0" * 64)


def test_an_option_of_the_model_acts_on_the_generator_too(copy: Path) -> None:
    made = GeneratorConfig(model=str(copy), device="cpu", dtype="bfloat16", samples=2, max_new_tokens=4)
    generator = TransformersGenerator(made, find_files(made), copy.parent)
    generator.generate([GenerationRequest(Theorem("t", "s"), State("a", ()))], 2)
    assert generator._opened is not None
    assert generator._opened.model.dtype == torch.bfloat16
