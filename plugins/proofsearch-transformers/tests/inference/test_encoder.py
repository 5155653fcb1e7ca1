"""The encoder: rows are of the state's own tokens, whatever stands beside them and whatever shares their batch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from proofsearch_transformers.inference.config import EncoderConfig, PooledConfig
from proofsearch_transformers.inference.encoder import TransformersEncoder
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.prompting import PromptTokenizer, PromptTokens
from proofsearch_transformers.inference.selfcheck import check_batching
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from proofsearch.errors import InputError, UsageError
from proofsearch.models.prompts import load_template
from proofsearch.types import State

KINDS = ("llama", "gpt2", "bert", "roberta", "t5")
TEXTS = st.text("abcde()-| ", min_size=1, max_size=60)


def states(*texts: str) -> list[State]:
    return [State(text, ()) for text in texts]


def encoder(folder: Path, **options: Any) -> TransformersEncoder:
    config = EncoderConfig(model=str(folder), device="cpu", **options)
    return TransformersEncoder(config, find_files(config), folder / "cache")


def whole_model(folder: Path, text: str, layer: int = -1) -> NDArray[np.float32]:
    """Hidden states of a text alone, by transformers itself: a row a token, special ones included."""
    ids = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")["input_ids"]
    model = AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.no_grad():
        hidden: NDArray[np.float32] = model(ids, output_hidden_states=True).hidden_states[layer][0].numpy()
    return hidden


@pytest.fixture(scope="module")
def opened(tiny: dict[str, Path]) -> dict[tuple[str, str], TransformersEncoder]:
    return {
        (kind, pooling): encoder(tiny[kind], pooling=pooling, batch=64)
        for kind in KINDS
        for pooling in ("mean", "last")
    }


@pytest.mark.parametrize("pooling", ["mean", "last"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prefix=st.sampled_from(["", "(a-b)" * 4]), texts=st.lists(TEXTS, min_size=2, max_size=9))
def test_a_batch_gives_what_its_members_give_alone(
    opened: dict[tuple[str, str], TransformersEncoder], kind: str, pooling: str, prefix: str, texts: list[str]
) -> None:
    """Pads that are attended or pooled, or rows in the order of their lengths, would differ by far more."""
    made = opened[kind, pooling]
    batch = made.encode(states(*(prefix + text for text in texts)))
    alone = np.concatenate([made.encode(states(prefix + text)) for text in texts])
    assert np.abs(batch - alone).max() < 1e-5
    assert batch.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_pooled_over_the_states_own_tokens(tiny: dict[str, Path], tmp_path: Path, kind: str) -> None:
    """Not over the template's words, nor over what the tokenizer puts around a text."""
    template = tmp_path / "framed.toml"
    template.write_text('text = "[S]{state}[TA]"')
    hidden = whole_model(tiny[kind], "[S](a-b)c[TA]")
    begin = 3 + (kind in ("bert", "t5"))  # a token a character, behind <s> where there is one
    own = hidden[begin : begin + 6]
    for pooling, expected in (("mean", own.mean(axis=0)), ("last", own[-1])):
        made = encoder(tiny[kind], template=str(template), pooling=pooling)
        # Beside a longer one, so that there are pads.
        row = made.encode(states("(a-b)c", "abcde" * 9))[0]
        assert row == pytest.approx(expected, abs=1e-5)
        assert np.abs(row - hidden.mean(axis=0)).max() > 1e-2


def test_a_token_that_reaches_over_the_seam_counts_as_the_states(tiny: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "seam.toml"
    template.write_text('text = "c\\n{state}\\nd"')
    hidden = whole_model(tiny["llama"], "c\nbca\nd")  # c, \nb, c, a\n, d
    row = encoder(tiny["llama"], template=str(template)).encode(states("bca"))[0]
    assert row == pytest.approx(hidden[1:4].mean(axis=0), abs=1e-5)


def test_rows_come_in_the_order_asked_and_batch_bounds_a_forward_pass(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = encoder(tiny["llama"], batch=3)
    made.encode(states("a"))
    sizes: list[int] = []
    pool = made._pool

    def spy(tokens: Sequence[PromptTokens]) -> NDArray[np.float32]:
        sizes.append(len(tokens))
        return pool(tokens)

    monkeypatch.setattr(made, "_pool", spy)
    texts = ["a" * length for length in (5, 1, 9, 3, 30, 2, 7)]
    rows = made.encode(states(*texts))
    assert sizes == [3, 3, 1]
    for text, row in zip(texts, rows, strict=True):
        assert row == pytest.approx(made.encode(states(text))[0], abs=1e-5)
    assert made.encode([]).shape == (0, 32)


def test_layer_and_dtype_act(tiny: dict[str, Path]) -> None:
    for layer in (0, 1, -2):
        row = encoder(tiny["bert"], layer=layer).encode(states("(a-b)c"))[0]
        assert row == pytest.approx(whole_model(tiny["bert"], "(a-b)c", layer)[1:-1].mean(axis=0), abs=1e-5)
    full, half = (encoder(tiny["llama"], dtype=dtype).encode(states("(a-b)c"))[0] for dtype in ("float32", "bfloat16"))
    assert 0 < np.abs(full - half).max() < 0.2
    with pytest.raises(UsageError, match=r"--transformers-layer 3: .* has 2 layers.* 0 to 2, or -1 to -3"):
        encoder(tiny["llama"], layer=3).encode(states("a"))


def test_the_end_of_a_long_state_is_cut_off_never_the_template(
    tiny: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "framed.toml"
    template.write_text('text = "[S]{state}[TA]"')
    made = encoder(tiny["llama"], template=str(template), max_length=16)
    made.encode(states("ccc"))
    assert capsys.readouterr().err == ""  # the model's own check warns of nothing
    long, short = made.encode(states("abcdeabcd" + "e" * 30, "abcdeabcd"))
    assert long == pytest.approx(short, abs=1e-5)
    made.encode(states("d" * 99))
    assert "a prompt of 46 tokens; its end was cut off to fit into 16 (--transformers-max-length)" in (
        capsys.readouterr().err
    )
    made.close()
    assert "2 of 4 states were cut" in capsys.readouterr().err
    template.write_text('text = "[S]aaaaaaaaaaaaaaaa{state}"')
    with pytest.raises(UsageError, match=r"--transformers-max-length 16: the template .* alone takes"):
        encoder(tiny["llama"], template=str(template), max_length=16).encode(states("abc"))


def test_no_more_tokens_than_the_model_has_positions(make_model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    made = encoder(make_model("bert", max_position_embeddings=64))
    assert np.isfinite(made.encode(states("a" * 200))).all()
    assert "to fit into 64" in capsys.readouterr().err


@pytest.mark.parametrize("rows", [64, 300])
def test_positions_that_begin_behind_the_padding_are_fewer(
    make_model: Any, capsys: pytest.CaptureFixture[str], rows: int
) -> None:
    """Would catch a state of more tokens than a RoBERTa has positions for, which was an index out of range."""
    made = encoder(make_model("roberta", max_position_embeddings=rows))
    long, short = made.encode(states("abcde" * 100, ("abcde" * 100)[: rows - 1]))
    assert f"to fit into {rows - 1}" in capsys.readouterr().err  # one row is the padding's
    assert long == pytest.approx(short, abs=1e-5)


def test_a_tokenizers_own_limit_counts(
    tiny: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "t5"
    shutil.copytree(tiny["t5"], copy)
    settings_file = copy / "tokenizer_config.json"
    for said, cut in ((24, True), (10**30, False)):
        settings_file.write_text(json.dumps(json.loads(settings_file.read_text()) | {"model_max_length": said}))
        encoder(copy).encode(states("a" * 100))
        assert ("to fit into 24" in capsys.readouterr().err) == cut


def test_the_special_tokens_of_a_cut_state_stay(tiny: dict[str, Path]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny["bert"])
    prompts = PromptTokenizer(tokenizer, load_template("bare"), 12, option="--x", spans=True, say=lambda _: None)
    (cut,) = prompts(states("abcde" * 9))
    assert len(cut.ids) == 12
    assert (cut.ids[0], cut.ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
    assert cut.own == list(range(1, 11))
    assert tokenizer.decode([cut.ids[at] for at in cut.own]) == ("abcde" * 9)[:10]


def test_a_batch_that_memory_does_not_hold_is_encoded_in_parts(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = states(*("abcde"[: 1 + at % 5] * (1 + at) for at in range(12)))
    whole = encoder(tiny["bert"]).encode(texts)
    made = encoder(tiny["bert"])
    inner = made._computed

    def computed(tokens: Sequence[PromptTokens]) -> Any:
        if len(tokens) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return inner(tokens)

    monkeypatch.setattr(made, "_computed", computed)
    np.testing.assert_allclose(made.encode(texts), whole, atol=1e-5)


def test_what_torch_raises_of_a_batch_is_one_line(tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made = encoder(tiny["bert"])
    made.encode(states("a"))

    def computed(tokens: Sequence[PromptTokens]) -> Any:
        raise IndexError(f"index out of range\n{torch.zeros(99, 99)}")

    monkeypatch.setattr(made, "_computed", computed)
    with pytest.raises(InputError, match=r"1 texts of at most 4 tokens can't be computed: IndexError: index out of"):
        made.encode(states("ab"))


def test_the_fingerprint_says_what_decides_a_row_and_nothing_else(tiny: dict[str, Path], tmp_path: Path) -> None:
    folder = tiny["llama"]
    plain = encoder(folder).fingerprint()
    other = tmp_path / "other.toml"
    other.write_text('text = "c{state}"')
    different: list[dict[str, Any]] = [
        {"pooling": "last"},
        {"layer": 1},
        {"template": str(other)},
        {"max_length": 100},
        {"dtype": "bfloat16"},
        {"quantisation": "4bit"},
    ]
    prints = [encoder(folder, **options).fingerprint() for options in different]
    assert len({plain, *prints}) == len(different) + 1
    # As it is on another machine: another path, times, device's name, batch; and a dtype that is the checkpoint's own.
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    assert encoder(copy, batch=7, dtype="float32").fingerprint() == plain
    config = PooledConfig(model=str(copy))
    assert TransformersEncoder(config, find_files(config), tmp_path).fingerprint() == plain
    (copy / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + "\n")
    assert encoder(copy).fingerprint() != plain


def test_other_weights_of_the_same_size_are_another_fingerprint(tiny: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny["llama"], copy)
    before = encoder(copy).fingerprint()
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][3] += 1e-3
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert encoder(copy).fingerprint() != before


def test_width_and_fingerprint_load_no_weights(tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr("proofsearch_transformers.inference.shared.load_backbone", refuse)
    for kind in KINDS:
        made = encoder(tiny[kind])
        assert made.width == 32
        assert made.fingerprint().startswith("transformers-")
        assert made.encode([]).shape == (0, 32)


def test_a_template_that_speaks_of_the_theorem_is_refused(tiny: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="--transformers-template deepseek-prover: speaks of the theorem"):
        encoder(tiny["llama"], template="deepseek-prover")


@pytest.mark.parametrize(("value", "found"), [(float("nan"), "not finite"), (0.0, "all zeros")])
def test_rows_that_are_no_vectors_are_refused(
    tiny: dict[str, Path], tmp_path: Path, value: float, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(tiny["llama"], copy)
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"].fill_(value)
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="check at start failed: hidden states that are not finite or all zeros"):
        encoder(copy).encode(states("a"))
    # And where only some states bring it about, after the check.
    monkeypatch.setattr("proofsearch_transformers.inference.encoder.check_batching", lambda *_: None)
    with pytest.raises(InputError, match=f"1 of 1 rows are no vectors; the first, for 'abc', is {found}"):
        encoder(copy).encode(states("abc"))


def test_a_state_without_text_is_refused(tiny: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="a state without text"):
        encoder(tiny["bert"]).encode(states("abc", ""))


def test_the_check_at_start_finds_what_batches_wrongly(tiny: dict[str, Path]) -> None:
    """Pads pooled, the last column read under right padding, and rows mixed up: the usual mistakes."""
    made = encoder(tiny["llama"])
    made.encode(states("a"))
    prompts, model = made._prompts, made._backbone()
    assert prompts is not None

    def pooled(tokens: Sequence[PromptTokens], *, masked: bool, last: bool) -> NDArray[np.float32]:
        longest = max(len(one.ids) for one in tokens)
        ids = torch.tensor([one.ids + [0] * (longest - len(one.ids)) for one in tokens])
        mask = (torch.arange(longest) < torch.tensor([[len(one.ids)] for one in tokens])).long()
        with torch.no_grad():
            hidden = model(ids, attention_mask=mask if masked else None).last_hidden_state
        rows: NDArray[np.float32] = (hidden[:, -1] if last else hidden.mean(dim=1)).numpy()
        return rows

    check_batching("it", prompts, made._pool, torch.float32)
    for pool in (
        lambda tokens: pooled(tokens, masked=True, last=False),
        lambda tokens: pooled(tokens, masked=True, last=True),
        lambda tokens: made._pool(tokens)[::-1],
        lambda tokens: made._pool(tokens) + 1e-3 * len(tokens),
    ):
        with pytest.raises(InputError, match="encoded together differ from the same texts alone"):
            check_batching("it", prompts, pool, torch.float32)
    check_batching("it", prompts, lambda tokens: made._pool(tokens) * (1 + 1e-3 * len(tokens)), torch.bfloat16)
