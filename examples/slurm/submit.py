"""The same array from Python, with submitit: see README.md beside this file."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import submitit


class ShardSearch:
    """Searches one shard, or goes on with it; a job that submitit can send again."""

    def __call__(self, number: int, shards: int, folder: Path, workers: int, options: list[str]) -> int:
        """Returns the exit code of ``proofsearch search``."""
        part = folder / f"part-{number}"
        command = [sys.executable, "-m", "proofsearch", "search", "--workers", str(workers)]
        if (part / "run.json").exists():
            command += ["--resume", str(part)]
        else:
            command += [*options, "--shard", f"{number}/{shards}", "--out", str(part)]
        return subprocess.run(command, check=False).returncode

    def checkpoint(
        self, number: int, shards: int, folder: Path, workers: int, options: list[str]
    ) -> submitit.helpers.DelayedSubmission:
        """What submitit sends again when the job is preempted or its time is up: the same, which resumes."""
        return submitit.helpers.DelayedSubmission(self, number, shards, folder, workers, options)


def main() -> None:
    """Submits a job a shard, waits for them, and merges what they found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shards", type=int)
    parser.add_argument("folder", type=Path, help="gets part-1, part-2, … and whole")
    parser.add_argument("--cluster", default=None, help="slurm, local or debug; default: slurm where it is installed")
    parser.add_argument("--cpus", type=int, default=4, help="of each job")
    parser.add_argument("--minutes", type=int, default=240, help="of each job")
    known, options = parser.parse_known_args()

    executor = submitit.AutoExecutor(folder=known.folder / "jobs", cluster=known.cluster)
    executor.update_parameters(name="proofsearch", cpus_per_task=known.cpus, timeout_min=known.minutes)
    with executor.batch():
        jobs = [
            executor.submit(ShardSearch(), number, known.shards, known.folder, known.cpus, options)
            for number in range(1, known.shards + 1)
        ]
    codes = [job.result() for job in jobs]
    print(f"{codes.count(0)} of {known.shards} shards are done")
    parts = [path for path in sorted(known.folder.glob("part-*")) if (path / "run.json").exists()]
    merge = [sys.executable, "-m", "proofsearch", "runs", "merge", *map(str, parts), "--out"]
    sys.exit(subprocess.run([*merge, str(known.folder / "whole")], check=False).returncode if parts else 1)


if __name__ == "__main__":
    main()
