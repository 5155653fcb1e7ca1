"""A cluster of several machines (raylets of their own), of which one goes away during a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from deadly import MachineRecipe
from proofsearch_ray.config import RayConfig
from proofsearch_ray.executor import RayExecutor

from proofsearch.config import ExecutionConfig
from proofsearch.protocols import Job
from proofsearch.types import Theorem

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head with one processor, which Ray's own tests make in the same way, and room for others."""
    from proofsearch_ray.cluster import set_up_environment

    set_up_environment()
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    monkeypatch.setenv("RAY_ADDRESS", "")
    yield cluster
    cluster.shutdown()


def test_each_machine_is_prepared_once_and_one_that_goes_away_costs_nothing(machines: Any, tmp_path: Path) -> None:
    other = machines.add_node(num_cpus=2, resources={"joined": 2})
    jobs = [Job(f"{number}", Theorem(f"{number}", "")) for number in range(12)]
    config = RayConfig(address=machines.address)
    found: dict[str, Any] = {}
    with closing(RayExecutor(config, ExecutionConfig(workers=3, attempts=3))) as executor:
        for result in executor.run(MachineRecipe(tmp_path), jobs):
            assert result.job.key not in found
            found[result.job.key] = result.payload
            if len(found) == 6:
                assert len({where for _, where in found.values()}) == 2, "both machines work"
                machines.remove_node(other, allow_graceful=False)
                (tmp_path / "gone").touch()
    assert {key: payload[0] for key, payload in found.items()} == {job.key: job.key for job in jobs}
    prepared = [file.name.split("-")[1] for file in tmp_path.glob("prepared-*")]
    assert len(prepared) == len(set(prepared)) == 1, "the other machine, by one of its two workers"
