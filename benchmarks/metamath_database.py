"""Reading, verifying, preparing and loading a Metamath database: seconds and memory.

    python benchmarks/metamath_database.py PATH/TO/set.mm

Each measurement is a process of its own, three times; printed are the median and the range. Where the reference
program `metamath` is installed, its verification of the same file is the baseline.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURED = {
    "verify, 1 process": (
        "from proofsearch_metamath.proofs.checking import check_file; print(check_file(PATH, 1), 'theorems')"
    ),
    "verify, 2 processes": (
        "from proofsearch_metamath.proofs.checking import check_file; print(check_file(PATH, 2), 'theorems')"
    ),
    "read": (
        "from proofsearch_metamath.database.reader import read_database; "
        "print(len(read_database(PATH).assertions), 'assertions')"
    ),
    "prepare": (
        "from proofsearch_metamath.library.prepare import prepare; import shutil; "
        "shutil.rmtree(CACHE, ignore_errors=True); print(len(prepare(PATH, CACHE).provable), 'provable')"
    ),
    "load from the cache": (
        "from proofsearch_metamath.library.prepare import prepare; "
        "print(len(prepare(PATH, CACHE).provable), 'provable')"
    ),
    "a worker after 20 searches": (
        "from proofsearch.config import *; from proofsearch.runs.run import run_search; "
        "from proofsearch.runs.worker import *; "
        "from proofsearch.protocols import Job; import random; "
        "config = RunConfig(trajectories=False, options={'metamath': {'database': str(PATH)}}); "
        "worker = WorkerRecipe(config)(); "
        "theorems = [t for t in worker._environment.theorems() if t.split == 'test']; "
        "[worker.run(Job(t.name, t)) for t in random.Random(0).sample(theorems, 20)]; print('20 searches')"
    ),
}

SCRIPT = """
import json, os, resource, time, warnings
from pathlib import Path
PATH, CACHE = Path({path!r}), Path({cache!r})
started = time.perf_counter()
{code}
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
private = 0
for line in open('/proc/self/smaps_rollup'):
    if line.startswith(('Private_Clean', 'Private_Dirty')):
        private += int(line.split()[1]) / 1024
print(json.dumps([seconds, usage, private]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help="also a worker's memory (needs the k-NN memory built)")
    arguments = parser.parse_args()
    cache = tempfile.mkdtemp(prefix="metamath-database-")
    print("| what | seconds, median (range) | peak memory, MB | private at the end, MB |\n|---|---|---|---|")
    for name, code in MEASURED.items():
        if name.startswith("a worker") and not arguments.worker:
            continue
        runs = [_measure(code, arguments.database, cache) for _ in range(arguments.runs)]
        seconds, peaks, private = zip(*runs, strict=True)
        print(
            f"| {name} | {statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f}) "
            f"| {max(peaks):.0f} | {max(private):.0f} |",
            flush=True,
        )
    if shutil.which("metamath"):
        runs = [_reference(arguments.database) for _ in range(arguments.runs)]
        spread = f"{statistics.median(runs):.2f} ({min(runs):.2f}–{max(runs):.2f})"
        print(f"| the reference program: read, verify | {spread} | | |")
    shutil.rmtree(cache)


def _measure(code: str, path: Path, cache: str) -> tuple[float, float, float]:
    script = SCRIPT.format(path=str(path.resolve()), cache=cache, code=code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, peak, private = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak, private


def _reference(path: Path) -> float:
    import time

    started = time.perf_counter()
    subprocess.run(
        ["metamath", f"read {path.name}", "verify proof *", "exit"],
        cwd=path.resolve().parent,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
