"""Two worker processes against one: theorems a second on the shipped prefix.

    python benchmarks/workers.py [--pairs 3] [--theorems 60]

The same theorems with one and with two workers, in turn; the ratio of each pair, its median and range. The time counted
is that from the first search to the last result, so the start of the workers is not in it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from proofsearch.config import ExecutionConfig, RunConfig, SelectionConfig
from proofsearch.protocols.events import Event, Recorded
from proofsearch.runs.run import run_search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--theorems", type=int, default=60)
    arguments = parser.parse_args()
    out = Path(tempfile.mkdtemp(prefix="workers-"))
    ratios = []
    for pair in range(arguments.pairs):
        rates = [_rate(arguments.theorems, workers, out / f"{pair}-{workers}") for workers in (1, 2)]
        ratios.append(rates[1] / rates[0])
        print(f"pair {pair + 1}: 1 worker {rates[0]:.2f}, 2 workers {rates[1]:.2f} theorems/s, ratio {ratios[-1]:.2f}")
    print(f"ratio: median {statistics.median(ratios):.2f}, range {min(ratios):.2f} to {max(ratios):.2f}")


def _rate(theorems: int, workers: int, out: Path) -> float:
    """Theorems a second between the first and the last result, of the theorems after the first."""
    times: list[float] = []

    def tell(event: Event) -> None:
        if isinstance(event, Recorded):
            times.append(time.monotonic())

    config = RunConfig(select=SelectionConfig(split="test", limit=theorems), execution=ExecutionConfig(workers=workers))
    run_search(config, out, on_event=tell)
    return (len(times) - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    main()
