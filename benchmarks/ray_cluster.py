"""What the executor ``ray`` costs beside ``local``: theorems a second in steady state, the start, and a job of no work.

    python benchmarks/ray_cluster.py [--theorems 400] [--expansions 64] [--workers 2] [--rounds 2] [--jobs 400]

The executors take turns on the same theorems, so that what else the machine does meets both; processor time (workers,
actors and the cluster's own processes) depends less on that than seconds do. The steady state is from
the first result of every worker on to the last result; the start is until the first result. Each of ``ray``'s runs
starts a private cluster and ends it. Jobs of no work show what an executor adds to a search: queue, pickling, the way
there and back; they run in one cluster. The last column says of how many theorems results are equal,
tactic by tactic.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from proofsearch_ray.cluster import Cluster
from proofsearch_ray.config import RayConfig
from proofsearch_ray.executor import RayExecutor

from proofsearch.builtins.local.executor import LocalConfig, LocalExecutor
from proofsearch.config import ExecutionConfig, RunConfig
from proofsearch.protocols import Executor, Job
from proofsearch.protocols.events import Event, Recorded
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.testing.workers import CheckRecipe, place
from proofsearch.types import Theorem

EXECUTORS = ("local", "ray")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=400)
    parser.add_argument("--expansions", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=400)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print("round  executor  start, s  steady, theorems/s  processors, ms a theorem  whole, s  equal to local's")
    starts: dict[str, list[float]] = {name: [] for name in EXECUTORS}
    speeds: dict[str, list[float]] = {name: [] for name in EXECUTORS}
    times: dict[str, list[float]] = {name: [] for name in EXECUTORS}
    for number in range(1, arguments.rounds + 1):
        folder = Path(tempfile.mkdtemp(prefix="ray-cluster-"))
        for name in EXECUTORS:
            start, speed, used, whole = searched(folder / name, name, arguments)
            starts[name].append(start)
            times[name].append(used)
            speeds[name].append(speed)
            same = equal(folder / "local", folder / name)
            row = f"{number:5}  {name:8}  {start:8.1f}  {speed:18.2f}  {used:24.0f}  {whole:8.1f}"
            print(f"{row}  {same} of {arguments.theorems}", flush=True)
    ratios = [ray / local for ray, local in zip(speeds["ray"], speeds["local"], strict=True)]
    less = [local / ray for ray, local in zip(times["ray"], times["local"], strict=True)]
    later = [ray - local for ray, local in zip(starts["ray"], starts["local"], strict=True)]
    print(
        f"steady, ray over local: {statistics.median(ratios):.2f} (median; {', '.join(f'{one:.2f}' for one in ratios)})"
    )
    print(f"processor time a theorem, local over ray: {statistics.median(less):.2f}")
    print(f"start, ray after local: {statistics.median(later):.1f} s ({', '.join(f'{one:.1f}' for one in later)})")
    print("a job of no work, ms:", ", ".join(f"{name} {one:.2f}" for name, one in overheads(arguments).items()))
    print(f"load {os.getloadavg()[0]:.1f}")


def searched(out: Path, name: str, arguments: argparse.Namespace) -> tuple[float, float, float, float]:
    """Seconds until the first result; theorems a second and processor milliseconds each from then on; all seconds."""
    values = {
        "select": {"split": "test", "limit": arguments.theorems},
        "search": {"limit": {"expansions": arguments.expansions}},
        "execution": {"executor": name, "workers": arguments.workers},
    }
    times: list[float] = []
    used: list[float] = []
    first = 2 * arguments.workers

    def hear(event: Event) -> None:
        if isinstance(event, Recorded):
            times.append(time.monotonic())
            if len(times) in (first, arguments.theorems):
                used.append(processor_seconds())

    began = time.monotonic()
    run_search(RunConfig.model_validate(values), out, on_event=hear)
    whole = time.monotonic() - began
    steady = len(times) - first
    speed = steady / (times[-1] - times[first - 1])
    return times[0] - began, speed, (used[1] - used[0]) / steady * 1000, whole


def processor_seconds() -> float:
    """What this process and all that it has started have used: workers, actors, and the cluster's own processes."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            spent = process.cpu_times()
            total += spent.user + spent.system
    return total


def equal(one: Path, other: Path) -> int:
    """Of how many theorems both runs have the same result."""
    first, second = (
        {
            name: (result.status, result.tactics, result.expansions, result.edges, result.scored)
            for name, result in RunFolder.open(path).results().items()
        }
        for path in (one, other)
    )
    return sum(first[name] == second.get(name) for name in first)


def overheads(arguments: argparse.Namespace) -> dict[str, float]:
    """Milliseconds a job of no work, by executor; the shortest of three."""
    execution = ExecutionConfig(workers=arguments.workers)
    cluster = Cluster(RayConfig(), arguments.workers)
    found = dict[str, float]()
    for _ in range(3):
        makers: dict[str, Any] = {
            "local": lambda: LocalExecutor(LocalConfig(), execution),
            "ray": lambda: RayExecutor(RayConfig(), execution),
        }
        for name, make in makers.items():
            found[name] = min(found.get(name, float("inf")), overhead(make(), arguments.jobs))
    cluster.close()
    return found


def overhead(executor: Executor, jobs: int) -> float:
    """Milliseconds a job of no work, without the start of the workers."""
    folder = Path(tempfile.mkdtemp(prefix="ray-cluster-"))
    todo = (Job(f"say:{number}", Theorem("", "")) for number in range(jobs))
    times = [time.monotonic() for _ in executor.run(CheckRecipe(folder, place()), todo)]
    executor.close()
    skipped = jobs // 8
    return (times[-1] - times[skipped]) / (jobs - skipped - 1) * 1000


if __name__ == "__main__":
    main()
