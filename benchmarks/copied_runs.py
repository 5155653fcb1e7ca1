"""Run folders of any size, made of copies of real searches: what the benchmarks of large runs measure.

Every theorem of such a run is a copy of one that was really searched, under a name of its own, with its result, its
proof and its search. So sizes and contents are those of real runs, but repeated: nothing about provers or policies can
be concluded from them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa

from proofsearch.config.shard import Shards
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.creation import begin, seal
from proofsearch.runs.results import to_line
from proofsearch.runs.selection import Whole
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

WHOLE = Shards((1,), 1)
"""A run of its own."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A real run, in memory.

    Attributes:
        run: its folder.
        searched: of each theorem that was searched the result, the proof (empty where there is none) and the search.
    """

    run: RunFolder
    searched: Sequence[tuple[TheoremResult, str, pa.Table]]

    @classmethod
    def of(cls, path: Path) -> Self:
        """The sample that a run folder holds."""
        run = RunFolder.open(path)
        tables = {search.search_id: search.table for search in read_searches([path])}
        return cls(
            run,
            [
                (result, run.proof(name) if result.proof_file else "", tables[result.search_id])
                for name, result in run.results().items()
                if result.search_id
            ],
        )

    def copy(self, position: int, offset: int = 0) -> tuple[TheoremResult, str, pa.Table]:
        """The theorem at a position of a large run: its result, its proof and its search.

        Args:
            position: in the large run, from 0.
            offset: runs that differ in it have different results of the same theorem.
        """
        result, proof, table = self.searched[(position + offset) % len(self.searched)]
        name, search = copied_theorem(position).name, f"{offset:08x}{position:024x}"
        columns = {"search_id": search, "theorem": name, "position": position}
        for column, value in columns.items():
            at = table.column_names.index(column)
            field = table.schema.field(at)
            table = table.set_column(at, field, pa.array([value] * table.num_rows, field.type))
        return dataclasses.replace(result, theorem=name, search_id=search, proof_file=""), proof, table


def copied_theorem(position: int) -> Theorem:
    """The theorem at a position of a large run."""
    return Theorem(f"copy-{position}", "|- ph", position=position)


def write_run(path: Path, sample: Sample, theorems: int, shards: Shards = WHOLE, offset: int = 0) -> None:
    """Writes a run folder, or that of a shard, as a finished run leaves it.

    Args:
        path: the folder to make.
        sample: what is copied.
        theorems: how many the whole selection has.
        shards: which part of them the run is about.
        offset: as :meth:`Sample.copy`.
    """
    path.mkdir(parents=True)
    selected = [copied_theorem(place) for place in range(theorems)]
    own = shards.of_them(selected)
    config = sample.run.config
    shard = None if shards.whole else str(shards)
    config = config.model_copy(update={"select": config.select.model_copy(update={"shard": shard})})
    begin(path, config, sample.run.environment, own)

    def tables() -> Iterator[pa.Table]:
        with (path / "results.jsonl").open("wb") as lines:
            for theorem in own:
                assert theorem.position is not None
                result, proof, table = sample.copy(theorem.position, offset)
                if proof:
                    result = dataclasses.replace(result, proof_file=f"proofs/{theorem.name}{sample.run.proof_suffix}")
                    (path / result.proof_file).write_text(proof)
                lines.write(to_line(result))
                yield table

    write_file(path / "trajectories" / "part-00000.parquet", tables())
    seal(path, "finished", own, sample.run.proof_suffix, Whole.of(selected))
