"""The encoder against a server that misbehaves in the ways that servers do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_openai.config import EmbeddingsConfig, EncoderConfig
from proofsearch_openai.errors import RefusedError, ServerError
from proofsearch_openai.plugin import make_encoder
from proofsearch_openai.probes import TEXTS, batching_fault, identity
from proofsearch_openai.rows import read_rows

from proofsearch.errors import InputError, UsageError
from proofsearch.models.embedding_cache import CachedEncoder
from proofsearch.types import State

CHECK = 1 + len(TEXTS) + 1
"""Requests of the check, where its texts fit into one batch."""


def states(*texts: str) -> list[State]:
    return [State(text, ()) for text in texts]


class Builder:
    """As much of a builder as the factory uses."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache


# -------------------------------------------------------------------------------------------------- what it asks for


def test_a_request_says_what_the_options_say(server: Any, encoder: Any) -> None:
    encoder(dimensions=32).encode(states("|- ph"))
    assert server.asked[-1].path == "/v1/embeddings"
    assert server.asked[-1].body == {
        "model": "m",
        "input": ["|- ph"],
        "encoding_format": "float",
        "dimensions": 32,
        "use_activation": False,  # or vLLM scales every row to length 1
    }
    encoder(use_activation="yes", template="bfs-prover").encode(states("|- ph"))
    assert server.asked[-1].body["use_activation"] is True
    assert server.asked[-1].body["input"] == ["|- ph:::"]
    encoder(use_activation="unsent").encode(states("|- ph"))
    assert server.asked[-1].body.keys() == {"model", "input", "encoding_format"}


def test_rows_are_those_of_the_states_over_several_batches(server: Any, encoder: Any, embed: Any) -> None:
    texts = [f"|- x = {at}" for at in range(11)]
    subject = encoder(batch=4)
    rows = subject.encode(states(*texts))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.array([embed(text) for text in texts], np.float32))
    assert sorted(len(asked.body["input"]) for asked in server.asked[-3:]) == [3, 4, 4]
    assert subject.width == rows.shape[1] == 32
    assert subject.encode([]).shape == (0, 32)


def test_nothing_is_asked_before_it_is_needed_and_the_check_is_made_once(server: Any, encoder: Any) -> None:
    subject = encoder()
    assert not server.asked
    assert subject.width == 32
    subject.fingerprint()
    assert len(server.asked) == CHECK
    subject.encode(states("|- ph"))
    assert len(server.asked) == CHECK + 1


def test_rows_in_another_order_are_put_right(server: Any, encoder: Any, reply: Any, embed: Any) -> None:
    def script(asked: Any) -> Any:
        found = [{"index": at, "embedding": embed(text)} for at, text in enumerate(asked.body["input"])]
        return reply({"data": found[::-1]})

    subject = encoder()
    server.script = script
    texts = ["|- ph", "|- ps", "|- ch"]
    np.testing.assert_array_equal(subject.encode(states(*texts)), np.array([embed(text) for text in texts], np.float32))


@given(st.permutations(range(5)))
def test_any_order_is_put_right(order: Sequence[int]) -> None:
    answer = {"data": [{"index": place, "embedding": [float(place), 1.0]} for place in order]}
    assert read_rows(answer, 5)[:, 0].tolist() == [0, 1, 2, 3, 4]


# ------------------------------------------------------------------------------------------------- what is no answer


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}] * 3,
        [{"index": 0, "embedding": [1.0]}] * 2,
        [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}],
        [{"embedding": [1.0]}, {"embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
        [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}],
        [{"index": 0, "embedding": "AACAPw=="}, {"index": 1, "embedding": "AACAPw=="}],
        [{"index": 0, "embedding": [None] * 32}, {"index": 1, "embedding": [1.0] * 32}],
        [{"index": 0, "embedding": ["1.0"] * 32}, {"index": 1, "embedding": [1.0] * 32}],
        [{"index": 0, "embedding": [10**400] * 32}, {"index": 1, "embedding": [1.0] * 32}],
        [{"index": 0, "embedding": [[1.0]]}, {"index": 1, "embedding": [1.0]}],
        None,
        "data",
        [1.0, 2.0],
    ],
)
def test_an_answer_without_a_row_for_each_text_is_refused(server: Any, encoder: Any, reply: Any, data: Any) -> None:
    subject = encoder()
    assert subject.width
    server.script = lambda asked: reply({"data": data})
    with pytest.raises(ServerError, match=server.url):
        subject.encode(states("|- ph", "|- ps"))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e300, 0.0])
def test_rows_that_are_no_vectors_are_refused(server: Any, encoder: Any, embedded: Any, embed: Any, bad: float) -> None:
    """Zeros stand for a failure in some servers, and NaN for an overflow of half precision."""
    subject = encoder()
    assert subject.width
    server.script = lambda asked: embedded(
        [[bad] * 32 if text == "|- ps" else embed(text) for text in asked.body["input"]]
    )
    with pytest.raises(InputError, match=r"1 of 3 rows are no vectors; the first, for '\|- ps'"):
        subject.encode(states("|- ph", "|- ps", "|- ch"))


def test_rows_of_another_width_than_before_are_refused(server: Any, encoder: Any, embedded: Any) -> None:
    subject = encoder()
    assert subject.width == 32
    server.script = lambda asked: embedded([[1.0, 2.0]] * len(asked.body["input"]))
    with pytest.raises(ServerError, match=r"different lengths: \[2, 32\]"):
        subject.encode(states("|- ph"))


def refusing(server: Any, reply: Any, embedded: Any, embed: Any, characters: int, batch: int = 99) -> None:
    """Has the server refuse texts of more characters, and more texts."""

    def script(asked: Any) -> Any:
        texts = asked.body["input"]
        if len(texts) > batch or max(map(len, texts)) > characters:
            return reply({"error": {"message": "zu lang"}}, 413)
        return embedded([embed(text) for text in texts])

    server.script = script


def test_a_text_that_is_too_long_loses_its_end_and_costs_no_other(
    server: Any, encoder: Any, reply: Any, embedded: Any, embed: Any
) -> None:
    """Would catch a training over a hundred thousand states that one of them ends."""
    refusing(server, reply, embedded, embed, 200)
    texts = ["|- ph", "y" * 150, "x" * 1000, "|- ps", "z" * 300]
    said: list[str] = []
    subject = encoder(said)
    rows = subject.encode(states(*texts))
    kept = [text if len(text) <= 200 else text[: {1000: 177, 300: 168}[len(text)]] for text in texts]
    # A quarter less each time, until the server takes it.
    np.testing.assert_array_equal(rows, np.array([embed(text) for text in kept], np.float32))
    assert len(said) == 1
    assert "characters was cut to" in said[0]
    assert "zu lang" in said[0]
    subject.close()
    assert said[1:] == ["2 of 5 states were cut because the server refuses longer ones"]
    alone = encoder().encode(states("x" * 1000))
    np.testing.assert_array_equal(alone[0], rows[2])  # whatever was beside it


def test_more_texts_than_a_server_takes_at_a_time_are_asked_for_in_parts(
    server: Any, encoder: Any, reply: Any, embedded: Any, embed: Any
) -> None:
    refusing(server, reply, embedded, embed, 10**6, batch=8)
    texts = [f"|- x = {at}" for at in range(20)]
    said: list[str] = []
    rows = encoder(said).encode(states(*texts))
    np.testing.assert_array_equal(rows, np.array([embed(text) for text in texts], np.float32))
    assert not said


def test_what_is_refused_for_another_reason_than_its_length_is_an_error(
    server: Any, encoder: Any, reply: Any, embedded: Any, embed: Any
) -> None:
    subject = encoder()
    assert subject.width
    refusing(server, reply, embedded, embed, 0)
    with pytest.raises(RefusedError, match="zu lang"):
        subject.encode(states("|- ph", "x" * 1000))


def test_a_server_that_does_not_know_use_activation_is_told_of(server: Any, encoder: Any, reply: Any) -> None:
    subject = encoder()
    server.script = lambda asked: reply({"error": {"message": "Unknown parameter: 'use_activation'."}}, 400)
    with pytest.raises(RefusedError, match="--openai-use-activation unsent"):
        subject.fingerprint()


def test_columns_that_were_not_asked_for_are_refused(server: Any, encoder: Any) -> None:
    with pytest.raises(UsageError, match="gives 32 columns though asked for 8"):
        _ = encoder(dimensions=8).width


def test_a_template_that_speaks_of_the_theorem_is_refused(encoder: Any) -> None:
    with pytest.raises(UsageError, match="--openai-template deepseek-prover: speaks of the theorem"):
        encoder(template="deepseek-prover")


# ------------------------------------------------------------------------------------------------ the check at start


def test_rows_mixed_up_within_a_batch_are_noticed(server: Any, encoder: Any, embedded: Any, embed: Any) -> None:
    """The fault of SGLang #8066: of texts that begin alike, one gets what belongs to another."""

    def script(asked: Any) -> Any:
        texts = asked.body["input"]
        return embedded([embed(texts[at - 1] if at == 3 else text) for at, text in enumerate(texts)])

    subject = encoder()
    server.script = script
    with pytest.raises(ServerError, match=r"the check at start failed.*--openai-batch 1"):
        subject.fingerprint()


def test_a_fault_that_shows_only_once_the_prefix_is_cached_is_noticed(
    server: Any, encoder: Any, embedded: Any, embed: Any
) -> None:
    seen: set[str] = set()

    def script(asked: Any) -> Any:
        texts = asked.body["input"]
        wrong = len(texts) > 1 and set(texts) <= seen
        seen.update(texts)
        return embedded([embed(texts[0] if wrong else text) for text in texts])

    subject = encoder()
    server.script = script
    with pytest.raises(ServerError, match="the check at start failed"):
        subject.fingerprint()


def test_a_server_that_embeds_only_the_beginning_is_noticed(
    server: Any, encoder: Any, embedded: Any, embed: Any
) -> None:
    subject = encoder()
    server.script = lambda asked: embedded([embed(text[:20]) for text in asked.body["input"]])
    with pytest.raises(ServerError, match="different texts get the same embedding"):
        subject.fingerprint()


@pytest.mark.parametrize(("noise", "fine"), [(1e-6, True), (1e-2, True), (0.2, False)])
def test_rounding_passes_the_check_and_more_does_not(
    server: Any, encoder: Any, embedded: Any, embed: Any, noise: float, fine: bool
) -> None:
    draw = np.random.default_rng(0)

    def script(asked: Any) -> Any:
        texts = asked.body["input"]
        scale = noise if len(texts) > 1 else 0.0
        return embedded([(np.array(embed(text)) * (1 + scale * draw.standard_normal(32))).tolist() for text in texts])

    subject = encoder()
    server.script = script
    if fine:
        assert subject.width == 32
    else:
        with pytest.raises(ServerError, match="the check at start failed"):
            _ = subject.width


def test_rows_that_move_by_as_much_as_texts_differ_are_a_fault() -> None:
    """Would catch a check by length alone: rows of texts that begin alike can be close all together."""
    base = np.ones((1, 64), np.float32)
    alone = base + 0.01 * np.random.default_rng(0).standard_normal((5, 64)).astype(np.float32)
    assert batching_fault(alone, alone, 0.05) == ""
    assert "another text's" in batching_fault(np.roll(alone, 1, axis=0), alone, 0.05)


def test_rows_that_move_by_more_than_rounding_are_a_fault_though_texts_are_far_apart() -> None:
    alone = np.eye(5, 64, dtype=np.float32)
    moved = alone + 0.1 * np.eye(5, 64, 7, dtype=np.float32)
    assert "0.1 of its length away" in batching_fault(moved, alone, 0.05)
    assert batching_fault(moved, alone, 0.11) == ""


def test_a_check_that_fails_is_not_forgotten(server: Any, encoder: Any, embedded: Any, embed: Any) -> None:
    subject = encoder()
    server.script = lambda asked: embedded([embed("x")] * len(asked.body["input"]))
    for _ in range(2):
        with pytest.raises(ServerError):
            subject.encode(states("|- ph"))


# ------------------------------------------------------------------------------------------------------ fingerprints


def test_the_fingerprint_is_that_of_the_model_and_of_what_changes_rows(
    server: Any, encoder: Any, embedded: Any, embed: Any
) -> None:
    plain = encoder().fingerprint()
    assert plain.startswith("openai-m-")
    assert encoder(batch=3, concurrency=1, timeout=9.0).fingerprint() == plain
    others = [{"template": "bfs-prover"}, {"dimensions": 32}, {"use_activation": "yes"}, {"revision": "r1"}]
    found = {encoder(**options).fingerprint() for options in others}
    assert len(found | {plain}) == 1 + len(others)
    server.script = lambda asked: embedded([embed(text, "other weights") for text in asked.body["input"]])
    assert encoder().fingerprint() != plain  # behind the same name
    weights = plain.split("-")[2]
    assert encoder(revision=weights).fingerprint() == plain  # the way out where rounding alone has changed it


def test_the_weights_identity_is_coarse_against_rounding_and_fine_against_models() -> None:
    """Over many models: rounding of 32 bits almost never changes it, another model always does."""
    draw = np.random.default_rng(0)
    changed, seen = 0, set()
    for _ in range(200):
        rows = (draw.standard_normal((1, 256)) + 0.3 * draw.standard_normal((len(TEXTS), 256))).astype(np.float32)
        seen.add(identity(rows))
        changed += (
            identity(rows * np.float32(2) + 1e-6 * draw.standard_normal(rows.shape).astype(np.float32)) not in seen
        )
    assert len(seen) == 200
    assert changed <= 1


# ------------------------------------------------------------------------------------------------------ the registry


def test_what_was_embedded_before_is_kept(server: Any, encoder: Any, tmp_path: Path) -> None:
    encoder()  # its script
    config = EncoderConfig(base_url=server.url, model="m")
    rows = []
    for expected in (CHECK + 1, CHECK):
        server.asked.clear()
        with closing(make_encoder(config, Builder(tmp_path))) as subject:  # type: ignore[arg-type]
            assert isinstance(subject, CachedEncoder)
            rows.append(subject.encode(states("|- ph", "|- ps")))
        assert len(server.asked) == expected
    np.testing.assert_array_equal(*rows)


def test_nothing_is_kept_where_no_room_is_given(server: Any, encoder: Any, tmp_path: Path) -> None:
    encoder()
    config = EncoderConfig(base_url=server.url, model="m", cache_megabytes=0)
    with closing(make_encoder(config, Builder(tmp_path))) as subject:  # type: ignore[arg-type]
        subject.encode(states("|- ph"))
    assert not list(tmp_path.rglob("*.sqlite"))


def test_errors_name_the_options_of_the_name_that_was_chosen(
    server: Any, encoder: Any, reply: Any, tmp_path: Path
) -> None:
    encoder()
    server.script = lambda asked: reply({"error": {"message": "no"}}, 404)
    config = EmbeddingsConfig(base_url=server.url, model="x", retries=0)
    with (
        closing(make_encoder(config, Builder(tmp_path))) as subject,  # type: ignore[arg-type]
        pytest.raises(UsageError, match="choose with --embeddings-model"),
    ):
        subject.fingerprint()
