"""What the tests of the ranker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker import material, vectors
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.statements import Statements, read_statements

from proofsearch.testing import SampleBuilder


@pytest.fixture(scope="module")
def builder(prefix: MetamathEnvironment) -> Iterator[SampleBuilder]:
    with SampleBuilder(prefix, cache=prefix._cache) as builder:
        yield builder


@pytest.fixture(scope="session", autouse=True)
def statements_are_read_once(prefix: MetamathEnvironment) -> Iterator[None]:
    """Each training and each policy reads the thousands of statements of the shipped library, in half a second."""
    library, read = prefix.library, dict[int, Statements]()

    def read_once(of: Library, symbols: SymbolTable, rows: int) -> Statements:
        if of is not library:
            return read_statements(of, symbols, rows)
        if rows not in read:
            read[rows] = read_statements(of, symbols, rows)
        return read[rows]

    with pytest.MonkeyPatch.context() as patch:
        for module in (material, vectors):
            patch.setattr(module, "read_statements", read_once)
        yield
