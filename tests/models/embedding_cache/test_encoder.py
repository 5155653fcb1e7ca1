"""An encoder behind its cache: what is asked of it, what comes back, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.embedding_cache import CachedEncoder, EmbeddingStore, text_key
from proofsearch.trajectory.table import state_key
from proofsearch.types import Goal, ProofState, State


def states(*texts: str) -> list[State]:
    return [State(text, (Goal(text),)) for text in texts]


class Lengths:
    """Rows that tell their texts apart, and a record of what was asked."""

    def __init__(self, name: str = "lengths", width: int = 3) -> None:
        self.name = name
        self._width = width
        self.asked: list[list[str]] = []
        self.widths = 0
        self.closed = 0

    @property
    def width(self) -> int:
        self.widths += 1
        return self._width

    def row(self, text: str) -> NDArray[np.float32]:
        return np.resize(np.frombuffer(f"{self.name} {text}".encode(), np.uint8), self._width).astype(np.float32) / 7

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        self.asked.append([state.text for state in states])
        return np.stack([self.row(state.text) for state in states])

    def fingerprint(self) -> str:
        return f"{self.name}-1"

    def close(self) -> None:
        self.closed += 1


def silent(message: str) -> None:
    raise AssertionError(message)


def cached(encoder: Lengths, folder: Path, max_megabytes: float = 10) -> CachedEncoder:
    return CachedEncoder(encoder, folder, max_megabytes, silent)


def test_a_key_is_what_trajectories_call_the_key_of_a_text() -> None:
    assert text_key("⊢ ( ph → ps )").hex() == state_key("⊢ ( ph → ps )")


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.lists(st.text(alphabet="abc", max_size=2), max_size=6), max_size=6))
def test_rows_are_the_encoders_own_in_the_order_asked_for_and_each_text_is_encoded_once(
    batches: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    plain, encoder = Lengths(), Lengths()
    first, second = cached(encoder, folder), cached(encoder, folder)  # as two processes would
    for place, texts in enumerate(batches):
        rows = (second if place % 2 else first).encode(states(*texts))
        assert rows.dtype == np.float32
        assert rows.shape == (len(texts), 3)
        assert all(np.array_equal(row, plain.row(text)) for row, text in zip(rows, texts, strict=True))
    asked = [text for texts in encoder.asked for text in texts]
    assert sorted(asked) == sorted({text for texts in batches for text in texts})
    first.close()
    second.close()


def test_what_is_kept_never_touches_the_encoder(tmp_path: Path) -> None:
    # A model is loaded on first use: not at all in a run whose states are all known.
    with_model = cached(Lengths(), tmp_path)
    rows = with_model.encode(states("a", "b"))
    with_model.close()
    encoder = Lengths()
    again = cached(encoder, tmp_path)
    assert again.width == 3
    assert np.array_equal(again.encode(states("b", "a")), rows[::-1])
    assert (encoder.asked, encoder.widths) == ([], 0)
    again.encode(states("a", "c"))
    assert encoder.asked == [["c"]]


def test_an_empty_batch_has_the_encoders_width(tmp_path: Path) -> None:
    assert cached(Lengths(), tmp_path).encode([]).shape == (0, 3)
    assert not (tmp_path / "new").exists()
    assert cached(Lengths(), tmp_path / "new").width == 3
    assert not (tmp_path / "new").exists(), "looking makes no folder"


def test_encoders_of_other_fingerprints_are_kept_apart(tmp_path: Path) -> None:
    # Would catch rows of last week's weights.
    for encoder in (Lengths("one"), Lengths("two"), Lengths("wide", 5)):
        rows = cached(encoder, tmp_path).encode(states("a"))
        assert encoder.asked == [["a"]]
        assert np.array_equal(rows[0], encoder.row("a"))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(3), r"encoder odd-1: 1 of 2 rows are no vectors; the first, for 'b', is all zeros"),
        (np.array([1, np.nan, 1]), r"the first, for 'b', is not finite"),
        (np.array([1, np.inf, 1]), r"the first, for 'b', is not finite"),
    ],
)
def test_rows_that_are_no_vectors_are_refused_and_not_kept(
    tmp_path: Path, bad: NDArray[np.float64], message: str
) -> None:
    class Odd(Lengths):
        def row(self, text: str) -> NDArray[np.float32]:
            return bad.astype(np.float32) if text == "b" else super().row(text)

    encoder = cached(Odd("odd"), tmp_path)
    with pytest.raises(InputError, match=message):
        encoder.encode(states("a", "b"))
    assert EmbeddingStore(tmp_path, None, silent).stored() == []


def test_a_wrong_number_of_rows_is_refused(tmp_path: Path) -> None:
    class Short(Lengths):
        def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
            return super().encode(states)[:1]

    with pytest.raises(InputError, match=r"returned an array of shape \(1, 3\) for 2 states, expected \(2, 3\)"):
        cached(Short(), tmp_path).encode(states("a", "b"))


def test_a_fingerprint_that_did_not_change_with_the_width_is_refused(tmp_path: Path) -> None:
    cached(Lengths(), tmp_path).encode(states("a"))
    with pytest.raises(
        InputError, match=r"its rows have 4 columns, those kept in .* have 3; .*cache clear --fingerprint"
    ):
        cached(Lengths(width=4), tmp_path).encode(states("b"))


def test_threads_may_share_one(tmp_path: Path) -> None:
    encoder = Lengths()
    shared = cached(encoder, tmp_path)
    failures: list[object] = []

    def work(number: int) -> None:
        texts = [str((number * 7 + step) % 20) for step in range(40)]
        for begin in range(0, 40, 8):
            rows = shared.encode(states(*texts[begin : begin + 8]))
            if not all(np.array_equal(row, encoder.row(text)) for row, text in zip(rows, texts[begin:], strict=False)):
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert failures == []
    (stored,) = EmbeddingStore(tmp_path, None, silent).stored()
    assert stored.rows == 20


def test_closing_closes_the_encoder_and_closing_the_cache_does_not(tmp_path: Path) -> None:
    encoder = Lengths()
    shared = cached(encoder, tmp_path)
    shared.encode(states("a"))
    shared.close_cache()
    assert encoder.closed == 0
    assert shared.encode(states("a")).shape == (1, 3)
    shared.close()
    assert encoder.closed == 1


def test_trouble_is_said_on_standard_error_once_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    encoder = Lengths()
    shared = CachedEncoder(encoder, tmp_path / "file" / "embeddings", 10)
    for _ in range(3):
        assert np.array_equal(shared.encode(states("a"))[0], encoder.row("a"))
    assert len(encoder.asked) == 3
    said = capsys.readouterr().err
    assert said.count("warning:") == 1
    assert "encoded states can't be kept there (Not a directory)" in said
