"""How long ``proofsearch runs merge`` takes, and how much memory, by the number of theorems and of shards.

    python benchmarks/merging.py [--theorems 2000 37000] [--shards 1 16 64] [--sample 200] [--expansions 12]

A sample of the shipped theorems is searched. Shards of larger runs are made of copies of these searches, with their
proofs, under other names. Each row is a process of its own; beside it stands how long reading all the searches
of the merged run in their order takes, and the memory of that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from copied_runs import Sample, write_run

from proofsearch.config import RunConfig
from proofsearch.config.shard import Shards
from proofsearch.runs.run import run_search

READ = """
import sys
from pathlib import Path
from proofsearch.trajectory.reader import read_searches
print(sum(1 for _ in read_searches([Path(sys.argv[1])])))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, nargs="+", default=[2000, 37000])
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--expansions", type=int, default=12)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="merging-"))
    try:
        config = RunConfig.model_validate(
            {
                "select": {"split": "all", "limit": arguments.sample},
                "search": {"limit": {"expansions": arguments.expansions}},
            }
        )
        run_search(config, folder / "sample")
        sample = Sample.of(folder / "sample")
        print("theorems  shards  merge, s  memory, MB  merged, MB  read in order, s  memory, MB")
        for theorems in arguments.theorems:
            for shards in arguments.shards:
                _measure(folder, sample, theorems, shards)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path, sample: Sample, number: int, of: int) -> None:
    places = folder / "parts"
    for one in range(1, of + 1):
        write_run(places / f"part-{one}", sample, number, Shards((one,), of))
    out = folder / "merged"
    seconds, memory = _timed(
        "-m", "proofsearch", "runs", "merge", *map(str, sorted(places.iterdir())), "--out", str(out)
    )
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    read, read_memory = _timed("-c", READ, str(out))
    print(
        f"{number:8,}  {of:6}  {seconds:8.1f}  {memory / 1e6:10.0f}  {size / 1e6:10.0f}  {read:16.1f}  "
        f"{read_memory / 1e6:10.0f}",
        flush=True,
    )
    shutil.rmtree(places)
    shutil.rmtree(out)


def _timed(*arguments: str) -> tuple[float, int]:
    """Wall-clock seconds and the largest memory of a Python process, in bytes."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(arguments[:4])} failed")
    return time.monotonic() - began, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
