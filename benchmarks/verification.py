r"""How long checking a run again takes, and whether it grows with the run or faster.

    proofsearch search --split train --generator demonstrated --scorer demonstration --priority split \
        --max-expansions 64 --out build/guided
    python benchmarks/verification.py build/guided

Times the commands ``proofsearch verify`` and ``proofsearch metamath splice``, start and loading included, on the run
and on a copy with a quarter of its results, in turn. Prints medians of ``--repeats``: seconds with their range, and
processors' time. ``growth`` is the ratio of the processors' time that a proof takes in the whole run to that in the
quarter: at most 1 where reading is linear, up to 4 where each proof reads all results again.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from proofsearch.runs import RunFolder


def quarter(run: Path, folder: Path) -> Path:
    """A copy of a run with every fourth result."""
    copy = folder / "quarter"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("trajectories", "run.lock"))
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (copy / "results.jsonl").write_text("".join(lines[::4]))
    return copy


def seconds(*arguments: str | Path) -> tuple[float, float]:
    """How long a command takes: wall-clock time, and time of processors, which other work prolongs less."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "proofsearch", *map(str, arguments)], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


def main() -> None:
    """Measures and prints a row a command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="A run folder.")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = {"whole": options.run, "quarter": quarter(options.run, folder)}
        proofs = {name: sum(r.proved for r in RunFolder.open(run).results().values()) for name, run in runs.items()}
        commands: dict[str, list[str | Path]] = {
            "verify, all processors": ["verify", "-q", "--workers", "0"],
            "verify, 1 process": ["verify", "-q", "--workers", "1"],
            "splice": ["metamath", "splice", "--overwrite", "--out", folder / "spliced.mm"],
        }
        for name, command in commands.items():
            took: dict[str, list[float]] = {"whole": [], "quarter": []}
            used: dict[str, list[float]] = {"whole": [], "quarter": []}
            for _ in range(options.repeats):
                for which, run in runs.items():
                    wall, processors = seconds(*command, run)
                    took[which].append(wall)
                    used[which].append(processors)
            whole, less = (statistics.median(used[which]) for which in runs)
            row = {
                "command": name,
                "proofs": proofs["whole"],
                "seconds": round(statistics.median(took["whole"]), 1),
                "range": [round(min(took["whole"]), 1), round(max(took["whole"]), 1)],
                "processor_seconds": round(whole, 1),
                "growth": round(whole / proofs["whole"] / (less / proofs["quarter"]), 2),
                "repeats": options.repeats,
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
