"""The compiled and the plain implementation of what k-NN asks agree, on random trees and random memories."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.builtins.encoders.features import FeatureExtractor, FeatureRows
from proofsearch.builtins.knn.generator import _numbers
from proofsearch.builtins.knn.index import ExampleIndex
from proofsearch.builtins.knn.writer import IndexWriter
from proofsearch.types import Goal, Tree

pytest.importorskip("proofsearch.builtins._native", reason="the compiled part was not built")

PLAIN = "PROOFSEARCH_PLAIN_PYTHON"
SYMBOLS = ["a", "b", "wi", "wa", "?wff", "?", "", "é" * 40]


def random_tree(rng: random.Random, depth: int, widest: int) -> tuple[list[str], list[int]]:
    arity = 0 if depth == 0 else rng.choice([0, 1, 2, 2, 3, widest])
    symbols, arities = [rng.choice(SYMBOLS)], [arity]
    for _ in range(arity):
        below = random_tree(rng, depth - 1, widest)
        symbols += below[0]
        arities += below[1]
    return symbols, arities


def goals(seed: int) -> list[Goal]:
    rng = random.Random(seed)
    shapes = [(rng.randrange(6), 3) for _ in range(rng.randrange(1, 6))] + [(2, rng.choice([4, 70]))]
    return [Goal("", Tree(*map(tuple, random_tree(rng, *shape)))) for shape in shapes]


def without_compiled(monkeypatch: pytest.MonkeyPatch, use_trees: bool = True) -> FeatureExtractor:
    with monkeypatch.context() as patch:
        patch.setenv(PLAIN, "1")
        extractor = FeatureExtractor(use_trees)
    assert extractor._native is None
    return extractor


def columns(rows: FeatureRows) -> list[list[int]]:
    return [rows.offsets.tolist(), rows.ids.tolist(), rows.counts.tolist()]


def test_features_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, fast = without_compiled(monkeypatch), FeatureExtractor()
    assert fast._native is not None

    @given(st.integers(0, 2**32))
    @settings(max_examples=120)
    def agree(seed: int) -> None:
        batch = goals(seed)
        found = fast.extract(batch)
        assert columns(found) == columns(plain.extract(batch))
        assert (found.offsets.dtype, found.ids.dtype, found.counts.dtype) == (np.int64, np.uint32, np.int32)

    agree()


@pytest.mark.parametrize(
    "tree",
    [
        Tree((), ()),
        Tree(("a",), (1,)),
        Tree(("a", "b"), (0, 0)),
        Tree(("a", "b"), (1,)),
        Tree(("a", "b"), (-1, 0)),
        Tree(("a", "b", "b"), (1, 0, 0)),
        Tree(("a",), (2**40,)),
    ],
)
def test_broken_trees_are_refused_as_before(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Goal("", Tree(("a",), (0,)))
    messages = []
    for extractor in (without_compiled(monkeypatch), FeatureExtractor()):
        with pytest.raises(ValueError, match="tree") as caught:
            extractor.extract([good, Goal("", tree)])
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory with many equal similarities: few features, few tactics, many theorems."""
    rng = np.random.default_rng(0)
    writer = IndexWriter([f"t{number}" for number in range(40)], list(range(0, 80, 2)), 0.5)
    for theorem in range(40):
        lengths = rng.integers(1, 6, 30)
        rows = [np.sort(rng.choice(60, length, replace=False)) for length in lengths]
        features = FeatureRows(
            np.concatenate(([0], np.cumsum(lengths))),
            np.concatenate(rows).astype(np.uint32),
            np.ones(int(lengths.sum()), np.int32),
        )
        writer.add(features, [f"x{number}" for number in rng.integers(0, 25, 30)], [theorem] * 30)
    path = tmp_path_factory.mktemp("memory")
    writer.write(path)
    return path


def test_neighbours_agree(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = ExampleIndex.open(folder)
    monkeypatch.setenv(PLAIN, "1")
    plain = ExampleIndex.open(folder)
    assert fast._native is not None
    assert plain._native is None
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        ids = np.sort(rng.choice(70, rng.integers(0, 9), replace=False)).astype(np.uint32)
        scope = fast.scope(f"t{rng.integers(0, 50)}", rng.choice([None, 7, 41, 79, 200]))
        allowed = rng.random(len(fast.tactics)) < 0.3 if rng.random() < 0.5 else None
        k, budget = int(rng.choice([1, 5, 100, 2000])), int(rng.choice([1, 300, 200_000]))
        one = fast.neighbours(ids, scope, k, allowed, budget)
        other = plain.neighbours(ids, scope, k, allowed, budget)
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
        assert one[1].dtype == other[1].dtype
        found += len(one[0])
    assert found > 5_000


def test_numbers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"a": 3, "b": 0}
    asked = ["b", "z", "a", "a", ""]
    fast = _numbers(known, asked)
    monkeypatch.setenv(PLAIN, "1")
    assert fast.tolist() == _numbers(known, asked).tolist() == [0, -1, 3, 3, -1]
    assert _numbers(known, []).tolist() == []
