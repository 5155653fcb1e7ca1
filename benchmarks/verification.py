r"""How long checking a run again takes, and whether it grows with the run or faster.

    proofsearch search --split train --generator demonstrated --scorer demonstration --priority split \
        --max-expansions 64 --out build/guided
    python benchmarks/verification.py build/guided

Times the commands ``proofsearch verify`` and ``proofsearch metamath splice``, start and loading included, on the run
and on a copy with a quarter of its results, in turn. Prints medians of ``--repeats`` with their range, and the ratio of
the time that a proof takes in the whole run to that in the quarter: 1 where reading is linear, 4 where each proof
reads all results again.
"""

from __future__ import annotations

import argparse
import json
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


def seconds(*arguments: str | Path) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "proofsearch", *map(str, arguments)], check=True, capture_output=True)
    return time.perf_counter() - began


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
            for _ in range(options.repeats):
                for which, run in runs.items():
                    took[which].append(seconds(*command, run))
            whole, less = (statistics.median(took[which]) for which in runs)
            row = {
                "command": name,
                "proofs": proofs["whole"],
                "seconds": round(whole, 1),
                "range": [round(min(took["whole"]), 1), round(max(took["whole"]), 1)],
                "growth": round(whole / proofs["whole"] / (less / proofs["quarter"]), 2),
                "repeats": options.repeats,
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
