"""How long a text may be, for every way to know positions: what is said is what the model really computes."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from proofsearch_transformers.inference.positions import first_position, position_ids, usable_length
from transformers import CONFIG_MAPPING, AutoModel

ROWS = 40
_SMALL: dict[str, Any] = {"vocab_size": 50, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_BERT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
_BART = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
_BART |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
_T5 = {"d_model": 32, "d_ff": 48, "d_kv": 16, "num_layers": 1, "num_heads": 2}
_LLAMA = _BERT | {"num_key_value_heads": 2}
_LAST = {"max_position_embeddings": ROWS}

# Each kind with its settings, how many tokens fit, and whether more is really an error of the model's.
KINDS: dict[str, tuple[dict[str, Any], float, bool]] = {
    # A table whose first rows are the padding's.
    "roberta": (_BERT | _LAST, ROWS - 2, True),
    "xlm-roberta": (_BERT | _LAST, ROWS - 2, True),
    "camembert": (_BERT | _LAST, ROWS - 2, True),
    "mpnet": (_BERT | _LAST, ROWS - 2, True),
    "longformer": (_BERT | _LAST | {"attention_window": 4}, ROWS - 2, True),
    "ibert": (_BERT | _LAST, ROWS - 2, True),
    # A table with as many rows as tokens, or more.
    "bert": (_BERT | _LAST, ROWS, True),
    "gpt2": ({"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": ROWS}, ROWS, True),
    "opt": (_BERT | _LAST | {"ffn_dim": 48, "word_embed_proj_dim": 32}, ROWS, True),
    "nystromformer": (_BERT | _LAST | {"num_landmarks": 2, "segment_means_seq_len": 4}, ROWS, True),
    # Sines as a table, rotary ones as a table, and a bias by distance as a table.
    "flaubert": ({"emb_dim": 32, "n_layers": 1, "n_heads": 2, "sinusoidal_embeddings": True} | _LAST, ROWS, True),
    "gptj": ({"n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": ROWS, "rotary_dim": 8}, ROWS, True),
    "mpt": ({"d_model": 32, "n_layers": 1, "n_heads": 2, "max_seq_len": ROWS}, ROWS, True),
    # Rotary: more can be computed, but nothing was learnt of it.
    "llama": (_LLAMA | _LAST, ROWS, False),
    # No end.
    "bloom": ({"hidden_size": 32, "n_layer": 1, "n_head": 2}, math.inf, False),
    "t5": (_T5 | {"n_positions": ROWS}, math.inf, False),
    "xlnet": ({"d_model": 32, "d_inner": 48, "n_layer": 1, "n_head": 2}, math.inf, False),
    "mamba": ({"hidden_size": 32, "num_hidden_layers": 1}, math.inf, False),
    # Encoder-decoders, each half with positions of its own.
    "bart": (_BART | _LAST, ROWS, True),
    "pegasus": (_BART | _LAST, ROWS, True),
    "led": (
        _BART | {"max_encoder_position_embeddings": ROWS, "max_decoder_position_embeddings": 24, "attention_window": 4},
        ROWS,
        True,
    ),
}


def build(kind: str, **changed: Any) -> Any:
    return AutoModel.from_config(CONFIG_MAPPING[kind](**_SMALL | KINDS[kind][0] | changed)).eval()


def computes(model: Any, tokens: int) -> bool:
    ids = torch.full((1, tokens), 5)
    try:
        with torch.no_grad():
            model(input_ids=ids, attention_mask=torch.ones_like(ids))
    except (IndexError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_to_fit_fits_and_no_more(kind: str) -> None:
    _, expected, is_end = KINDS[kind]
    model = build(kind)
    half = model.get_encoder() if model.config.is_encoder_decoder else model
    found = usable_length(half)
    assert found == expected
    assert computes(half, 3 * ROWS if math.isinf(found) else int(found))
    if is_end:
        assert not computes(half, int(found) + 1)


def test_a_decoder_has_positions_of_its_own() -> None:
    model = build("led")
    assert usable_length(model.get_decoder()) == 24
    assert computes(model.get_decoder(), 24)
    assert not computes(model.get_decoder(), 25)


@pytest.mark.parametrize(
    ("said", "expected"),
    [(10**30, 38), (1e30, 38), (math.inf, 38), (0, 38), (-1, 38), (None, 38), (16, 16), (16.0, 16), (512, 38)],
)
def test_of_the_models_limit_and_the_tokenizers_the_lower_counts(said: Any, expected: int) -> None:
    tokenizer: Any = SimpleNamespace(model_max_length=said)
    assert usable_length(build("roberta"), tokenizer) == expected


def test_positions_begin_where_the_model_was_trained_to_begin() -> None:
    """Would catch answers of a RoBERTa that are written from position 0 on, as transformers' generate counts."""
    assert first_position(build("roberta")) == 2
    assert [first_position(build(kind)) for kind in ("bert", "gpt2", "opt", "llama", "bloom")] == [0] * 5
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    assert position_ids(mask, 2).tolist() == [[1, 1, 2, 3, 4], [2, 3, 4, 5, 6]]
