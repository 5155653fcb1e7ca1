"""What the tests of the ranker share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proofsearch_metamath.environment import MetamathEnvironment

from proofsearch.testing import SampleBuilder


@pytest.fixture(scope="module")
def builder(prefix: MetamathEnvironment) -> Iterator[SampleBuilder]:
    with SampleBuilder(prefix, cache=prefix._cache) as builder:
        yield builder
