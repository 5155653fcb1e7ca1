"""How long the command line takes to say what it can do.

    python benchmarks/startup.py [--runs 15]

Seconds of `proofsearch --help` as a process of its own, with those of an empty Python process as the baseline.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    commands = {"an empty process": ["-c", "pass"], "proofsearch --help": ["-m", "proofsearch", "--help"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
            times[name].append(time.perf_counter() - started)
    for name, seconds in times.items():
        spread = f"{min(seconds):.3f} to {max(seconds):.3f}"
        print(f"{name}: median {statistics.median(seconds):.3f} s ({spread}), {runs} runs")


if __name__ == "__main__":
    main()
