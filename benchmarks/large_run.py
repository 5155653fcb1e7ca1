"""A large run, killed and resumed on the way: its pace, the leading process's memory, the size of its folder.

    python benchmarks/large_run.py OUT [--kills 5] [--every 1000] [--seconds 1800] -- --split all --max-expansions 4 …

What stands after ``--`` are options of ``proofsearch search``. The process that leads the run gets a SIGKILL after
equal shares of the seconds, and the run is resumed; after the last kill it may finish. A line is printed whenever so
many more theorems have a result. Give the command again to go on with a run.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from proofsearch.runs.layout import is_run_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1800.0)
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, search = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :]
    print("session  seconds  theorems  leader, MB  its most, MB  workers, MB  files  folder, MB", flush=True)
    told = Told(arguments.out, arguments.every)
    share = arguments.seconds / (arguments.kills + 1)
    for session in range(arguments.kills + 1):
        place = (
            ["--resume", str(arguments.out)] if is_run_folder(arguments.out) else [*search, "--out", str(arguments.out)]
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "proofsearch", "search", "-q", *place], start_new_session=True
        )
        ends = time.monotonic() + share
        while process.poll() is None and (session == arguments.kills or time.monotonic() < ends):
            time.sleep(0.5)
            told.look(session, process.pid)
        told.look(session, process.pid, last=True)
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    raise SystemExit(process.returncode)


class Told:
    """Prints how far a run is.

    Args:
        out: its folder.
        every: theorems between two lines.
    """

    def __init__(self, out: Path, every: int) -> None:
        self._out = out
        self._every = every
        self._began = time.monotonic()
        self._next = every
        self._theorems = self._read = 0

    def look(self, session: int, leader: int, *, last: bool = False) -> None:
        """Looks at the run, and prints a line when it is time."""
        self._count()
        if self._theorems < self._next and not last:
            return
        self._next = self._theorems - self._theorems % self._every + self._every
        memory = peak = workers = 0.0
        try:
            of = psutil.Process(leader)
            memory = of.memory_info().rss / 1e6
            peak = _most(leader)
            workers = sum(child.memory_info().rss for child in of.children(recursive=True)) / 1e6
        except (psutil.Error, OSError):
            pass  # it has ended
        files, size = _size(self._out)
        print(
            f"{session:7}  {time.monotonic() - self._began:7.0f}  {self._theorems:8,}  {memory:10.0f}  {peak:12.0f}  "
            f"{workers:11.0f}  {files:6,}  {size / 1e6:10.1f}",
            flush=True,
        )

    def _count(self) -> None:
        file = self._out / "results.jsonl"
        if file.exists():
            if file.stat().st_size < self._read:
                self._theorems = self._read = 0  # a line that a kill cut was taken away
            with file.open("rb") as stream:
                stream.seek(self._read)
                content = stream.read()
            self._theorems += content.count(b"\n")
            self._read += len(content)


def _most(pid: int) -> float:
    """The largest memory that a process had, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e3
    return 0.0


def _size(folder: Path) -> tuple[int, int]:
    """Files in a folder, and their bytes."""
    files = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += Path(place, name).stat().st_size
                files += 1
            except FileNotFoundError:
                continue
    return files, size


if __name__ == "__main__":
    main()
