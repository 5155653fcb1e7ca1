"""What is registered, and what the factories make of it."""

from __future__ import annotations

import gc
import shutil
import weakref
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig, PooledConfig
from proofsearch_transformers.inference.loading import _load
from proofsearch_transformers.plugin import make_encoder, make_generator, register_encoders, register_generators

from proofsearch.config import RunConfig
from proofsearch.models.embedding_cache import CachedEncoder
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.plugins.sharing import SharedComponents
from proofsearch.protocols import Builder, GenerationRequest
from proofsearch.types import State, Theorem


def builder(cache: Path) -> Builder:
    return cast(Builder, SimpleNamespace(cache=cache))


def test_what_has_a_model_is_shared_by_threads() -> None:
    """Each thread would load the weights again, and nothing would be batched."""
    registered: dict[tuple[str, Any], bool] = {}

    def register(name: str, factory: Any, config: Any = None, help: str = "", shared: bool = False) -> None:
        registered[name, config] = shared

    register_generators(register)
    register_encoders(register)
    assert registered == {
        ("transformers", GeneratorConfig): True,
        ("transformers", EncoderConfig): True,
        ("pooled", PooledConfig): True,
    }


def test_options_of_encoder_and_generator_mean_the_same_when_nobody_gives_them() -> None:
    """A run keeps the options of equal names once: with two defaults, a resumed one would use the other's."""
    shared = EncoderConfig.model_fields.keys() & GeneratorConfig.model_fields.keys()
    assert {"model", "template", "batch"} <= shared
    for name in shared:
        encoder, generator = EncoderConfig.model_fields[name], GeneratorConfig.model_fields[name]
        assert (encoder.default, encoder.annotation) == (generator.default, generator.annotation)
    filled_in = {**EncoderConfig(model="m").model_dump(), **GeneratorConfig(model="m").model_dump()}
    for model in (EncoderConfig, GeneratorConfig):
        own = {name: value for name, value in filled_in.items() if name in model.model_fields}
        assert model.model_validate(own) == model(model="m")


def test_encoded_states_are_kept_on_disk_unless_it_is_switched_off(
    tiny: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "own"  # nobody else has it loaded
    shutil.copytree(tiny["llama"], folder)
    config = EncoderConfig(model=str(folder), device="cpu")
    made = make_encoder(config, builder(tmp_path))
    rows = made.encode([State("(a-b)", ()), State("c", ())])
    made.close()

    def refuse(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("proofsearch_transformers.inference.shared.load_backbone", refuse)
    again = make_encoder(config, builder(tmp_path))
    assert isinstance(again, CachedEncoder)
    assert np.array_equal(again.encode([State("c", ()), State("(a-b)", ())]), rows[::-1])
    assert again.width == rows.shape[1]
    again.close()
    last = make_encoder(config.model_copy(update={"pooling": "last"}), builder(tmp_path))
    with pytest.raises(AssertionError, match="loaded"):
        last.encode([State("c", ())])
    last.close()
    without = make_encoder(config.model_copy(update={"cache_megabytes": 0}), builder(tmp_path))
    assert not isinstance(without, CachedEncoder)
    with pytest.raises(AssertionError, match="loaded"):
        without.encode([State("c", ())])


def test_a_relative_template_is_the_same_file_from_everywhere(
    tiny: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text('text = "{state}[T]"')
    monkeypatch.chdir(tmp_path)
    config = GeneratorConfig(model=str(tiny["llama"]), template="mine.toml")
    assert config.template == str(tmp_path / "mine.toml")
    assert GeneratorConfig(model="m", template="plain").template == "plain"
    make_generator(config, builder(tmp_path)).close()


def test_the_workers_of_a_run_have_one_model_for_both_roles(
    tiny: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the core builds them: shared by threads, each role a component of its own, with a guard around it."""
    folder = tmp_path / "own"
    shutil.copytree(tiny["llama"], folder)
    loaded: list[weakref.ref[Any]] = []

    def load(*args: Any) -> Any:
        model = _load(*args)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr("proofsearch_transformers.inference.loading._load", load)
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(tmp_path))
    options = {"model": str(folder), "device": "cpu", "template": "plain"}
    plugins = Plugins.discover()
    parts = resolve(plugins, RunConfig(generator="transformers", options={"transformers": options}))
    shared = SharedComponents()
    with ExitStack() as closing:
        workers = [closing.enter_context(Components(plugins, parts, shared=shared)) for _ in range(2)]
        for number, worker in enumerate(workers):
            state = State("(a-b)"[: number + 1], ())
            encoder, generator = worker.encoder("pooled", options), worker.generator()
            assert len(encoder.encode([state])) == 1
            request = GenerationRequest(Theorem("t", "s"), state)
            assert len(generator.generate([request], 2)) == 1
            asking: Any = worker.encoder("policy", {"vectors": True})
            assert asking.encode_requests([request]).any()
        assert len(loaded) == 1
    gc.collect()
    assert [model() for model in loaded] == [None]
