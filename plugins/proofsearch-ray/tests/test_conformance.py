"""The executor against its contract."""

from __future__ import annotations

import pytest
from proofsearch_ray.config import RayConfig
from proofsearch_ray.plugin import make_ray

from proofsearch.testing import check_executor

pytestmark = pytest.mark.xdist_group("ray")


@pytest.mark.usefixtures("cluster")
def test_the_executor_conforms() -> None:
    """In a cluster that is there; a private one takes seconds to start, and each check would have its own."""
    report = check_executor(make_ray, RayConfig(), skip=["cancellation"])
    assert report.names("skipped") == []


def test_a_private_cluster_ends_with_its_run() -> None:
    assert check_executor(make_ray, RayConfig(), only=["cancellation", "workers are closed"]).names("skipped") == []
