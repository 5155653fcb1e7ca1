"""How long ``proofsearch runs merge`` takes, and how much memory, by the number of theorems and of shards.

    python benchmarks/merging.py [--theorems 2000 37000] [--shards 1 16 64] [--sample 200] [--expansions 12]

A sample of the shipped theorems is searched. Shards of larger runs are made of copies of these searches, with their
proofs, under other names. Each row is a process of its own; beside it stands how long reading all the searches
of the merged run in their order takes, and the memory of that.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from proofsearch.config import RunConfig
from proofsearch.config.shard import Shards
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.creation import begin, seal
from proofsearch.runs.results import to_line
from proofsearch.runs.run import run_search
from proofsearch.runs.selection import Whole
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

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
        searched = _searched(folder / "sample")
        print("theorems  shards  merge, s  memory, MB  merged, MB  read in order, s  memory, MB")
        for theorems in arguments.theorems:
            for shards in arguments.shards:
                _measure(folder, searched, theorems, shards)
    finally:
        shutil.rmtree(folder)


Searched = list[tuple[TheoremResult, str, pa.Table]]


def _searched(path: Path) -> Searched:
    """Results, proofs and searches of the sample."""
    run = RunFolder.open(path)
    results = run.results()
    tables = {search.search_id: search.table for search in read_searches([path])}
    return [
        (result, run.proof(name) if result.proof_file else "", tables[result.search_id])
        for name, result in results.items()
        if result.search_id
    ]


def _measure(folder: Path, searched: Searched, number: int, of: int) -> None:
    theorems = [Theorem(f"copy-{place}", "|- ph", position=place) for place in range(number)]
    places = folder / "parts"
    for one in range(1, of + 1):
        _write_shard(places / f"part-{one}", folder / "sample", searched, theorems, Shards((one,), of))
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


def _write_shard(path: Path, sample: Path, searched: Searched, theorems: list[Theorem], shards: Shards) -> None:
    """A run folder of a shard, as a finished run leaves it."""
    run = RunFolder.open(sample)
    path.mkdir(parents=True)
    own = shards.of_them(theorems)
    shard = None if shards.whole else str(shards)
    config = run.config.model_copy(update={"select": run.config.select.model_copy(update={"shard": shard})})
    begin(path, config, run.environment, own)

    def tables() -> Iterator[pa.Table]:
        with (path / "results.jsonl").open("wb") as lines:
            for theorem in own:
                assert theorem.position is not None
                result, proof, table = searched[theorem.position % len(searched)]
                file = f"proofs/{theorem.name}{run.proof_suffix}" if proof else ""
                if file:
                    (path / file).write_text(proof)
                search = f"{theorem.position:032x}"
                own_result = dataclasses.replace(result, theorem=theorem.name, search_id=search, proof_file=file)
                lines.write(to_line(own_result))
                columns = {"search_id": search, "theorem": theorem.name, "position": theorem.position}
                for name, value in columns.items():
                    at = table.column_names.index(name)
                    field = table.schema.field(at)
                    table = table.set_column(at, field, pa.array([value] * table.num_rows, field.type))
                yield table

    write_file(path / "trajectories" / "part-00000.parquet", tables())
    seal(path, "finished", own, run.proof_suffix, Whole.of(theorems))


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
