"""How sure a language model is at states, and its vectors of them: the model's own, and no more passes than needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from proofsearch.errors import InputError, UsageError
from proofsearch.models.confidence import statistics_of
from proofsearch.protocols import Fingerprinted, GenerationRequest, ReportsStatistics, RepresentsStates
from proofsearch.types import State, Theorem

KINDS = ("llama", "gpt2", "roberta", "t5")
TEXTS = ("(a-b)", "c", "abcde" * 7, "|- (c)", "e" * 20, "[a]", "dd | ee", "cab" * 15, "(b)")
NAMES = ("best", "second", "entropy", "log_sum_exp", "mass")

pytestmark = pytest.mark.usefixtures("unshared")


def generator(folder: Path, **options: Any) -> TransformersGenerator:
    config = GeneratorConfig(**{"model": str(folder), "device": "cpu", "max_new_tokens": 8, **options})
    return TransformersGenerator(config, find_files(config), folder.parent / "cache")


def requests(texts: Sequence[str] = TEXTS) -> list[GenerationRequest]:
    return [GenerationRequest(Theorem("th", "st"), State(text, ()), None, 7) for text in texts]


class Plain:
    """A model as transformers gives it, asked one prompt at a time."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.kind = json.loads((folder / "config.json").read_bytes())["model_type"]
        self.model = (AutoModelForSeq2SeqLM if self.kind == "t5" else AutoModelForCausalLM).from_pretrained(folder)
        self.model.eval()

    def __call__(self, text: str) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        """Logits of an answer's first token, and all layers' hidden states of the prompt's last token."""
        ids = torch.tensor([self.tokenizer(f"[STATE]\n{text}\n[TACTIC]\n")["input_ids"]])
        with torch.no_grad():
            if self.kind == "t5":
                output = self.model(input_ids=ids, decoder_input_ids=torch.tensor([[0]]), output_hidden_states=True)
                return output.logits[0, -1], [states[0, -1] for states in output.encoder_hidden_states]
            places = torch.arange(ids.shape[1])[None] + (self.kind == "roberta")
            output = self.model(ids, position_ids=places, output_hidden_states=True)
            return output.logits[0, -1], [states[0, -1] for states in output.hidden_states]

    def numbers(self, text: str) -> Mapping[str, float]:
        logits = self(text)[0].double()
        probabilities = logits.softmax(dim=0).sort(descending=True).values
        return {
            "best": float(probabilities[0].log()),
            "second": float(probabilities[1].log()),
            "entropy": -float((probabilities * probabilities.log()).sum()),
            "log_sum_exp": float(logits.logsumexp(dim=0)),
            "mass": float(probabilities[:8].sum()),
        }


@contextmanager
def passes(made: TransformersGenerator) -> Iterator[list[tuple[int, int]]]:
    """Rows and tokens of each forward pass of the model's backbone."""
    assert made._use is not None
    found: list[tuple[int, int]] = []

    def count(module: Any, args: Any, settings: Any) -> None:
        found.append(tuple((args[0] if args else settings["input_ids"]).shape))

    handle = made._use.model._backbone.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


def read(found: Sequence[tuple[int, int]]) -> int:
    """Prompts that were read: writing takes a token a row."""
    return sum(rows for rows, tokens in found if tokens > 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_statistics_are_those_of_the_next_token(tiny: dict[str, Path], kind: str) -> None:
    made, plain = generator(tiny[kind]), Plain(tiny[kind])
    for text, found in zip(TEXTS, made.statistics(requests(), 4), strict=True):
        assert found is not None
        assert {name: getattr(found, name) for name in NAMES} == pytest.approx(plain.numbers(text), abs=1e-4)
        assert all(np.isnan(getattr(found, name)) for name in ("moves", "admitted", "closes")), "missing is not zero"
    assert made.statistics([], 4) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_vector_is_the_hidden_state_of_the_prompts_last_token(tiny: dict[str, Path], kind: str) -> None:
    plain = Plain(tiny[kind])
    for layer in (None, 1):
        made = generator(tiny[kind], layer=layer)
        rows = made.represent(requests())
        assert rows.shape == (len(TEXTS), made.representation_width) == (len(TEXTS), 32)
        assert rows.dtype == np.float32
        for text, row in zip(TEXTS, rows, strict=True):
            assert row == pytest.approx(plain(text)[1][-1 if layer is None else layer].numpy(), abs=1e-4)
    assert made.represent([]).shape == (0, 32)
    with pytest.raises(UsageError, match=r"--transformers-layer 3: .* has 2 layers"):
        generator(tiny[kind], layer=3).represent(requests())


@pytest.mark.parametrize("kind", KINDS)
def test_siblings_are_read_together_and_expanded_from_there(tiny: dict[str, Path], kind: str) -> None:
    """Would catch a prompt that is read for its statistics, again for its vector, and again for its tactics."""
    alone = generator(tiny[kind]).generate(requests(), 6)
    made = generator(tiny[kind])
    made.represent(requests(["ee"]))
    with passes(made) as found:
        made.statistics(requests(), 6)
        assert read(found) == len(TEXTS)
        assert len(found) == 2, "two groups of about equal length"
        made.represent(requests())
        made.statistics(requests(), 6)
        assert len(found) == 2
        expanded = made.generate(requests(TEXTS[:4]), 6)
        assert read(found) == len(TEXTS), "the expansion goes on from what was read"
        assert len(found) > 2 or kind == "t5"
    for some, others in zip(expanded, alone, strict=False):
        assert [(one.tactic, one.num_tokens) for one in some] == [(one.tactic, one.num_tokens) for one in others]
        assert [one.logprob for one in some] == pytest.approx([one.logprob for one in others], abs=1e-4)


def test_statistics_of_samples_are_those_of_the_candidates_that_the_expansion_gets(tiny: dict[str, Path]) -> None:
    made, plain = generator(tiny["llama"], statistics="samples"), Plain(tiny["llama"])
    alone = generator(tiny["llama"]).generate(requests(), 6)
    made.generate(requests(["ee"]), 6)
    found = made.statistics(requests(), 6)
    assert sum(map(len, alone)) > 3
    for text, one, candidates in zip(TEXTS, found, alone, strict=True):
        assert one is not None
        expected = statistics_of(candidates)
        assert (one.best, one.second, one.entropy, one.moves, one.mass) == pytest.approx(
            (expected.best, expected.second, expected.entropy, expected.moves, expected.mass), abs=1e-4, nan_ok=True
        )
        assert one.log_sum_exp == pytest.approx(plain.numbers(text)["log_sum_exp"], abs=1e-4)
    with passes(made) as after:
        expanded = made.generate(requests(), 6)
        made.statistics(requests(), 6)
    assert after == [], "what was written for the statistics is what the expansion gets"
    assert [[one.tactic for one in some] for some in expanded] == [[one.tactic for one in some] for some in alone]
    with passes(made) as other:
        made.generate(requests(TEXTS[:1]), 3)
    assert other, "another number of candidates is another question"


def test_a_theorem_that_leaves_no_room_has_no_statistics(tiny: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "about.toml"
    template.write_text('text = "{statement}|{state}]"\nstop = ["\\n"]')
    asked = [GenerationRequest(Theorem("th", text), State("(a)", ()), None, 1) for text in ("abc" * 30, "abc")]
    made = generator(tiny["llama"], template=str(template), max_prompt=40)
    first, second = made.statistics(asked, 4)
    assert first is None
    assert second is not None
    rows = made.represent(asked)
    assert not rows[0].any()
    assert rows[1].any()


def test_numbers_that_are_not_finite_are_refused(tiny: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "llama"
    shutil.copytree(tiny["llama"], copy)
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"--transformers-dtype float32"):
        generator(copy).statistics(requests(), 3)
    with pytest.raises(InputError, match=r"--transformers-dtype float32"):
        generator(copy).represent(requests())


def test_memory_that_is_too_small_for_a_batch_is_enough_for_its_parts(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = generator(tiny["llama"]).statistics(requests(), 3)
    made = generator(tiny["llama"])
    made.statistics(requests(["ee"]), 3)
    assert made._use is not None

    def hold(module: Any, args: Any, settings: Any) -> None:
        if len(settings["input_ids"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    handle = made._use.model._backbone.register_forward_pre_hook(hold, with_kwargs=True)
    try:
        found = made.statistics(requests(), 3)
    finally:
        handle.remove()
    for one, other in zip(found, whole, strict=True):
        assert one is not None and other is not None
        assert one.entropy == pytest.approx(other.entropy, abs=1e-4)


@pytest.mark.parametrize("window", [16, 512])
def test_a_sliding_window_changes_nothing(make_model: Any, window: int) -> None:
    """Behind it a model forgets keys and values, so a longer prompt can't be kept for its expansion."""
    folder = make_model("mistral", sliding_window=window, num_key_value_heads=1)
    alone = [generator(folder).generate([request], 6)[0] for request in requests()]
    assert sum(map(len, alone)) > 3
    plain = Plain(folder)
    made = generator(folder)
    for text, found in zip(TEXTS, made.statistics(requests(), 6), strict=True):
        assert found is not None
        assert found.entropy == pytest.approx(plain.numbers(text)["entropy"], abs=1e-4)
    with passes(made) as count:
        expanded = made.generate(requests(), 6)
    assert (read(count) == 0) == (window == 512)
    assert [[one.tactic for one in some] for some in expanded] == [[one.tactic for one in some] for some in alone]


def test_it_can_do_what_values_ask_for(tiny: dict[str, Path], tmp_path: Path) -> None:
    """And its fingerprint changes with what decides the numbers, and not with the batch or the folder."""
    made = generator(tiny["llama"])
    assert isinstance(made, ReportsStatistics)
    assert isinstance(made, RepresentsStates)
    assert isinstance(made, Fingerprinted)
    copy = tmp_path / "elsewhere"
    shutil.copytree(tiny["llama"], copy)
    plain = generator(copy, batch=7, kept_megabytes=1).fingerprint()
    assert plain == made.fingerprint()
    different: list[dict[str, Any]] = [
        {"template": "bare"},
        {"layer": 1},
        {"statistics": "samples"},
        {"samples": 3},
        {"beams": 3},
        {"temperature": 0.5},
        {"top_p": 0.5},
        {"max_prompt": 99},
        {"max_new_tokens": 9},
        {"dtype": "bfloat16"},
    ]
    prints = {generator(copy, **options).fingerprint() for options in different}
    assert len({plain, *prints}) == len(different) + 1
    (copy / "tokenizer.json").write_text((copy / "tokenizer.json").read_text() + "\n")
    assert generator(copy).fingerprint() != plain
