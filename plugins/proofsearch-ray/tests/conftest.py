"""A cluster of this machine for the tests of a module, and workers for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="ray isn't installed; pip install ray")

# Actors get this process's path, so what tests hand to them can be imported there.
sys.path.insert(0, str(Path(__file__).parent / "site"))
sys.path.append(str(Path(__file__).parents[3] / "tests" / "site"))  # for the plugin servedparts


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster that executors join instead of starting one each."""
    from proofsearch_ray.cluster import Cluster
    from proofsearch_ray.config import RayConfig

    made = Cluster(RayConfig(), 2)
    yield
    made.close()
