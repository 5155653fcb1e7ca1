"""What a run of N theorems needs: its folder, and every command that reads or writes it.

    python benchmarks/scale.py RUN [--theorems 10 100 1000 10000 37000] [--only evaluate report …] [--folder DIR]

RUN is a real run, of some hundred theorems. Larger ones are made of copies of its searches
(:mod:`copied_runs`), so sizes and contents are real, but repeated. Each measurement is a process of its own. Printed
are the processor seconds that it took, which other programs on the machine change little, the wall-clock seconds, and
the largest memory:

============ ======================================================================================================
record       results are recorded into a new run, as the process that leads it does, and the run is finished
resume       the run is opened again for writing, with half of its results gone, as after a kill
evaluate     ``proofsearch evaluate`` of two runs
report       ``proofsearch report`` of two runs; the size of the page stands beside it
summary      ``proofsearch trajectories summary``
merge        ``proofsearch runs merge`` of 16 shards
============ ======================================================================================================
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench_runs import print_table
from copied_runs import Sample, write_run

from proofsearch.config.shard import Shards

SHARDS = 16

RECORD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from copied_runs import Sample, copied_theorem
from proofsearch.runs import RunFolder
from proofsearch.trajectory.writer import to_bytes
sample, number = Sample.of(Path(sys.argv[2])), int(sys.argv[4])
theorems = [copied_theorem(position) for position in range(number)]
run = sample.run
out, suffix = Path(sys.argv[3]), run.proof_suffix
with RunFolder.create(out, run.config, run.environment, theorems, proof_suffix=suffix) as folder:
    for position in range(number):
        result, proof, table = sample.copy(position)
        folder.record(result, proof or None, to_bytes(table))
    folder.finish()
print(len(folder.results()))
"""

RESUME = """
import sys
from pathlib import Path
from proofsearch.runs import RunFolder
from proofsearch.runs.recorded import refuse_missing
with RunFolder.open(Path(sys.argv[1]), write=True) as folder:
    refuse_missing(folder)
    print(len(folder.remaining()))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a process needed.

    Attributes:
        processor: seconds of the processor.
        seconds: of wall-clock time.
        memory: the most, in bytes.
    """

    processor: float
    seconds: float
    memory: int

    def __str__(self) -> str:
        return f"{self.processor:.1f} s ({self.seconds:.0f}), {self.memory / 1e6:.0f} MB"


def measured(*arguments: str | Path) -> Measured:
    """Runs a Python process and measures it."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments[:4]} failed")
    return Measured(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss * 1024)


class Size:
    """Runs of one size, each made when it is first asked for.

    Args:
        sample: what they are made of.
        theorems: how many.
        folder: where they are put.
    """

    def __init__(self, sample: Sample, theorems: int, folder: Path) -> None:
        self.sample = sample
        self.theorems = theorems
        self.folder = folder

    def run(self, number: int) -> Path:
        """A whole run; two numbers make two runs that differ."""
        path = self.folder / f"run-{self.theorems}-{number}"
        if not path.exists():
            write_run(path, self.sample, self.theorems, offset=7 * number)
        return path

    def record(self) -> str:
        """Results are recorded."""
        out = self.folder / f"recorded-{self.theorems}"
        found = measured("-c", RECORD, Path(__file__).parent, self.sample.run.path, out, str(self.theorems))
        files = [file.stat().st_size for file in out.rglob("*") if file.is_file()]
        shutil.rmtree(out)
        each = 1e3 * found.seconds / self.theorems
        return f"{found}; {each:.1f} ms a theorem; folder {sum(files) / 1e6:.1f} MB, {len(files):,} files"

    def resume(self) -> str:
        """A killed run is opened."""
        out = self.folder / f"killed-{self.theorems}"
        shutil.copytree(self.run(0), out)
        lines = (out / "results.jsonl").read_bytes().splitlines(keepends=True)
        (out / "results.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
        found = measured("-c", RESUME, out)
        shutil.rmtree(out)
        return str(found)

    def evaluate(self) -> str:
        """Two runs are evaluated."""
        return str(measured("-m", "proofsearch", "evaluate", self.run(0), self.run(1)))

    def report(self) -> str:
        """A report of two runs is made."""
        out = self.folder / f"{self.theorems}.html"
        found = measured("-m", "proofsearch", "report", self.run(0), self.run(1), "--out", out, "--overwrite")
        return f"{found}; page {out.stat().st_size / 1e6:.1f} MB"

    def summary(self) -> str:
        """What a run recorded is counted."""
        return str(measured("-m", "proofsearch", "trajectories", "summary", self.run(0)))

    def merge(self) -> str:
        """Shards are merged."""
        parts = self.folder / f"parts-{self.theorems}"
        shards = min(SHARDS, self.theorems)
        for one in range(1, shards + 1):
            write_run(parts / f"part-{one}", self.sample, self.theorems, Shards((one,), shards))
        out = self.folder / f"merged-{self.theorems}"
        found = measured("-m", "proofsearch", "runs", "merge", *sorted(parts.iterdir()), "--out", out)
        shutil.rmtree(parts)
        shutil.rmtree(out)
        return str(found)


MEASURES: dict[str, Callable[[Size], str]] = {
    "record": Size.record,
    "resume": Size.resume,
    "evaluate": Size.evaluate,
    "report": Size.report,
    "summary": Size.summary,
    "merge": Size.merge,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--theorems", type=int, nargs="+", default=[10, 100, 1000, 10_000, 37_000])
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--folder", type=Path, help="where runs are put and kept; default: a temporary folder")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="scale-"))
    folder.mkdir(parents=True, exist_ok=True)
    sample = Sample.of(arguments.run)
    print(f"copies of {len(sample.searched)} theorems of {arguments.run}; processor seconds (wall-clock), memory")
    print_table(["theorems", *arguments.only], _rows(sample, arguments.theorems, arguments.only, folder))
    if arguments.folder is None:
        shutil.rmtree(folder)


def _rows(sample: Sample, sizes: list[int], only: list[str], folder: Path) -> Iterable[list[str]]:
    for theorems in sizes:
        size = Size(sample, theorems, folder)
        row = [f"{theorems:,}"]
        for name in only:
            row.append(MEASURES[name](size))
            print(f"… {theorems:,} {name}: {row[-1]}", file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    main()
