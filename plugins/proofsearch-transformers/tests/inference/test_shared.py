"""One model for generator and encoder: loaded once, asked one at a time, freed by the last; a prompt is read once."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig, PooledConfig
from proofsearch_transformers.inference.encoder import TransformersEncoder
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from proofsearch_transformers.inference.loading import _load

from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate, State, Theorem

KINDS = ("llama", "gpt2", "roberta", "t5")
TEXTS = ("(a-b)", "c", "abcde" * 7, "|- (c)", "e" * 20, "[a]", "dd | ee", "cab" * 15, "(b)")


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tiny: dict[str, Path], tmp_path: Path) -> Path:
    """A model that nobody else uses."""
    return copied(tiny[request.param], tmp_path)


@pytest.fixture
def llama(tiny: dict[str, Path], tmp_path: Path) -> Path:
    return copied(tiny["llama"], tmp_path)


def copied(folder: Path, where: Path) -> Path:
    return shutil.copytree(folder, where / folder.name)


def generator(folder: Path, **options: Any) -> TransformersGenerator:
    config = GeneratorConfig(**{"model": str(folder), "device": "cpu", "max_new_tokens": 8, "samples": 6, **options})
    return TransformersGenerator(config, find_files(config), folder.parent)


def encoder(folder: Path, **options: Any) -> TransformersEncoder:
    config = EncoderConfig(**{"model": str(folder), "device": "cpu", "template": "plain", **options})
    return TransformersEncoder(config, find_files(config), folder.parent)


def states(texts: Sequence[str] = TEXTS) -> list[State]:
    return [State(text, ()) for text in texts]


def requests(texts: Sequence[str] = TEXTS) -> list[GenerationRequest]:
    return [GenerationRequest(Theorem("th", "st"), state, None, 7) for state in states(texts)]


def same(some: Sequence[Sequence[Candidate]], others: Sequence[Sequence[Candidate]]) -> bool:
    """Up to rounding."""
    return [[(one.tactic, one.num_tokens) for one in found] for found in some] == [
        [(one.tactic, one.num_tokens) for one in found] for found in others
    ] and np.allclose(
        [one.logprob for found in some for one in found], [one.logprob for found in others for one in found], atol=1e-4
    )


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the models that were loaded since."""
    loaded: list[str] = []

    def load(*args: Any) -> Any:
        model = _load(*args)
        loaded.append(type(model).__name__)
        return model

    monkeypatch.setattr("proofsearch_transformers.inference.loading._load", load)
    return loaded


@contextmanager
def reads(made: TransformersGenerator | TransformersEncoder) -> Iterator[list[int]]:
    """The prompts of each pass of the model's backbone over more tokens a row than writing takes."""
    assert made._use is not None
    found: list[int] = []

    def count(module: Any, args: Any, settings: Any) -> None:
        rows, tokens = (args[0] if args else settings["input_ids"]).shape
        if tokens > 1:
            found.append(rows)

    handle = made._use.model._backbone.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


# -------------------------------------------------------------------------------------------------- one set of weights


def test_generator_and_encoder_have_one_set_of_weights(folder: Path, loads: list[str]) -> None:
    """Would catch a 7B that is in memory twice. Also where the encoder is asked first, or has another template."""
    for first in ("generator", "encoder"):
        writes, encodes, other = generator(folder), encoder(folder), encoder(folder, template="bare", pooling="last")
        for step in (first, "generator", "encoder"):
            if step == "generator":
                writes.generate(requests(TEXTS[:2]), 6)
            else:
                encodes.encode(states(TEXTS[:2]))
        other.encode(states(TEXTS[:2]))
        assert len(loads) == 1
        assert writes._opened is not None
        weights = {parameter.data_ptr() for parameter in writes._opened.model.parameters()}
        for one in (encodes, other):
            assert {parameter.data_ptr() for parameter in one._backbone().parameters()} <= weights
        for one in (writes, encodes, other):
            one.close()
        loads.clear()


def test_the_weights_are_freed_when_the_last_user_closes(llama: Path, loads: list[str]) -> None:
    writes, encodes = generator(llama), encoder(llama)
    writes.generate(requests(TEXTS[:1]), 6)
    encodes.encode(states(TEXTS[:1]))
    assert writes._opened is not None
    weights = weakref.ref(next(writes._opened.model.parameters()))
    writes.close()
    gc.collect()
    assert weights() is not None
    assert encodes.encode(states()).shape == (len(TEXTS), 32)
    assert len(loads) == 1
    encodes.close()
    gc.collect()
    assert weights() is None
    encodes.encode(states(TEXTS[:1]))  # as every component that was closed: it begins again
    assert loads == ["LlamaForCausalLM", "LlamaModel"]
    encodes.close()


def test_an_encoder_alone_loads_no_head_and_gives_way_to_a_language_model(llama: Path, loads: list[str]) -> None:
    """Both together may not fit into memory, so the backbone is gone before the whole model is loaded."""
    encodes = encoder(llama)
    alone = encodes.encode(states())
    weights = weakref.ref(next(encodes._backbone().parameters()))
    assert loads == ["LlamaModel"]
    writes = generator(llama)
    load, alive = _load, []

    def watched(*args: Any) -> Any:
        gc.collect()
        alive.append(weights() is not None)
        return load(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proofsearch_transformers.inference.loading._load", watched)
        writes.generate(requests(TEXTS[:1]), 6)
    assert alive == [False]
    np.testing.assert_allclose(encodes.encode(states()), alone, atol=1e-5)
    encodes.close()
    writes.close()


@pytest.mark.parametrize("options", [{"dtype": "bfloat16"}, {"device": "spread"}])
def test_what_is_loaded_otherwise_is_another_model(llama: Path, loads: list[str], options: dict[str, Any]) -> None:
    writes, encodes = generator(llama), encoder(llama, **options)
    assert writes._use is not None and encodes._use is not None
    assert writes._use.model is not encodes._use.model


def test_other_names_for_the_same_are_one_model_and_changed_files_another(llama: Path) -> None:
    writes = generator(llama)
    link = llama.parent / "link"
    link.symlink_to(llama)
    pooled = PooledConfig(model=str(link), device="auto" if not torch.accelerator.is_available() else "cpu")
    other = TransformersEncoder(pooled.model_copy(update={"dtype": "float32"}), find_files(pooled), llama.parent)
    assert writes._use is not None and other._use is not None
    assert writes._use.model is other._use.model
    weights = llama / "model.safetensors"
    weights.write_bytes(weights.read_bytes() + b"")
    changed = generator(llama)
    assert changed._use is not None
    assert changed._use.model is not writes._use.model


# ------------------------------------------------------------------------------------------------- one forward pass


def test_a_prompt_is_read_once_for_both(folder: Path) -> None:
    """In either order: a search encodes children and expands them later, and may expand what it encodes later."""
    alone_rows, alone = encoder(folder).encode(states()), generator(folder).generate(requests(), 6)
    gc.collect()
    for first in ("encode", "generate"):
        writes, encodes = generator(folder), encoder(folder)
        encodes.encode(states(["ee"]))
        with reads(encodes) as read:
            if first == "encode":
                rows, found = encodes.encode(states()), writes.generate(requests(), 6)
            else:
                found, rows = writes.generate(requests(), 6), encodes.encode(states())
        assert sum(read) == len(TEXTS)
        np.testing.assert_allclose(rows, alone_rows, atol=1e-5)
        assert same(found, alone)
        writes.close()
        encodes.close()


def test_the_encoders_layer_and_pooling_are_those_of_shared_prompts(llama: Path) -> None:
    for options in ({"layer": 1}, {"pooling": "last"}, {"layer": 0, "pooling": "last"}):
        alone = encoder(llama, **options).encode(states())
        gc.collect()
        writes, encodes = generator(llama), encoder(llama, **options)
        encodes.encode(states(["ee"]))
        with reads(encodes) as read:
            np.testing.assert_allclose(encodes.encode(states()), alone, atol=1e-5)
            writes.generate(requests(), 6)
        assert sum(read) == len(TEXTS)


def test_other_templates_share_the_weights_and_no_prompts(llama: Path) -> None:
    writes, encodes = generator(llama), encoder(llama, template="bare")
    encodes.encode(states(["ee"]))
    writes.generate(requests(["ee"]), 6)
    with reads(encodes) as read:
        encodes.encode(states())
        writes.generate(requests(), 6)
    assert sum(read) == 2 * len(TEXTS)
    assert writes._use is not None
    assert writes._use.model.readings.get([1]) is None
    assert not writes._use.model.readings._readings, "nothing is kept that nobody asks for"


def test_what_memory_does_not_hold_is_read_again(llama: Path) -> None:
    alone = generator(llama).generate(requests(), 6)
    gc.collect()
    writes, encodes = generator(llama, kept_megabytes=0), encoder(llama)
    encodes.encode(states(["ee"]))
    with reads(encodes) as read:
        encodes.encode(states())
        assert same(writes.generate(requests(), 6), alone)
    assert sum(read) == 2 * len(TEXTS)


# ------------------------------------------------------------------------------------------------------- two threads


class Turn:
    """A model's turn that says who has it, and when somebody wants it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.owner: int | None = None
        self.wanted: set[int] = set()
        self.changed = threading.Condition()

    def __enter__(self) -> None:
        with self.changed:
            self.wanted.add(threading.get_ident())
            self.changed.notify_all()
        self._lock.acquire()
        self._depth += 1
        self.owner = threading.get_ident()

    def __exit__(self, *args: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.owner = None
        self._lock.release()


@pytest.mark.parametrize("inside", ["generate", "encode", "encode what is shared"])
def test_threads_ask_the_model_one_at_a_time(llama: Path, inside: str) -> None:
    """Generator and encoder are two components, whose calls may come at the same time; the model is one."""
    writes, other, shares = generator(llama), encoder(llama, template="bare"), encoder(llama)
    asks: dict[str, Any] = {
        "generate": lambda: writes.generate(requests(), 6),
        "encode": lambda: other.encode(states()),
        "encode what is shared": lambda: shares.encode(states()),
    }
    expected = {name: ask() for name, ask in asks.items()}
    assert writes._use is not None
    writes._use.model.readings.clear()
    turn = writes._use.model.turn = Turn()  # type: ignore[assignment]
    found: dict[str, Any] = {}
    owned: list[bool] = []
    others: list[threading.Thread] = []

    def work(name: str) -> None:
        found[name] = asks[name]()

    def enter(*args: Any) -> None:
        owned.append(turn.owner == threading.get_ident())
        if len(owned) == 1:  # in the midst of a pass, the others come
            others.extend(threading.Thread(target=work, args=(name,), daemon=True) for name in asks.keys() - {inside})
            for thread in others:
                thread.start()
            with turn.changed:
                assert turn.changed.wait_for(lambda: len(turn.wanted) == 3, 120)

    other._backbone().register_forward_pre_hook(enter)
    work(inside)
    for thread in others:
        thread.join(120)
        assert not thread.is_alive()
    assert len(others) == 2
    assert all(owned)
    assert same(found.pop("generate"), expected.pop("generate"))
    for name, rows in found.items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-5)
