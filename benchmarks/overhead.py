"""What a job costs beyond its search: packing, sending, recording and merging what came of it.

    python benchmarks/overhead.py RUN [--jobs 300] [--together 32]

The searches of a real run go once more through all that follows a search: the worker packs the recorded search and
sends it; the leading process unpacks it, writes proof, search and result to the disk, and merges searches from time to
time. Printed are milliseconds a job, of the processor and of wall-clock time. The difference is waiting for the disk,
during which the worker is at its next job already.
"""

from __future__ import annotations

import argparse
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_runs import print_table
from copied_runs import Sample, copied_theorem

from proofsearch.runs.folder import Recording, RunFolder
from proofsearch.runs.worker import Searched
from proofsearch.trajectory.writer import to_bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--together", type=int, default=32)
    arguments = parser.parse_args()
    sample, jobs = Sample.of(arguments.run), arguments.jobs
    copies = [sample.copy(position) for position in range(jobs)]
    spent: dict[str, tuple[float, float]] = {}

    @contextmanager
    def measured(what: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        spent[what] = (time.process_time() - processor, time.perf_counter() - wall)

    with measured("packing the recorded search (worker)"):
        found = [Searched(result, proof or None, to_bytes(table)) for result, proof, table in copies]
    with measured("sending (both)"):
        found = [pickle.loads(pickle.dumps(one)) for one in found]  # noqa: S301
    folder = Path(tempfile.mkdtemp(prefix="overhead-"))
    for what, most in (("alone", 1), (f"{arguments.together} together", arguments.together)):
        run = _created(sample, folder / what.replace(" ", "-"), jobs)
        with measured(f"recording, {what} (leader)"):
            _record(run.record_all, [Recording(one.result, one.proof, one.trajectory) for one in found], most)
        with measured(f"merging, after {what} (leader)"):
            run.compact()
        run.close()
    shutil.rmtree(folder)
    print(f"{jobs} jobs of {arguments.run}, {sum(len(one.trajectory or b'') for one in found) / jobs:,.0f} bytes each")
    rows = [[what, *(f"{1e3 * seconds / jobs:.2f}" for seconds in both)] for what, both in spent.items()]
    print_table(["ms a job", "processor", "wall-clock"], rows)


def _created(sample: Sample, path: Path, jobs: int) -> RunFolder:
    run = sample.run
    theorems = [copied_theorem(position) for position in range(jobs)]
    return RunFolder.create(path, run.config, run.environment, theorems, proof_suffix=run.proof_suffix)


def _record(record: Callable[[list[Recording]], object], recordings: list[Recording], most: int) -> None:
    for start in range(0, len(recordings), most):
        record(recordings[start : start + most])


if __name__ == "__main__":
    main()
