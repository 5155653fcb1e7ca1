"""What two runs that did the same have in common: all but times and names of searches."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from proofsearch.runs import RunFolder
from proofsearch.trajectory.files import trajectory_files
from proofsearch.trajectory.reader import read_tables

_OF_THE_RUN = {"search_id", "run_id", "seconds"}


def comparable(path: Path) -> dict[str, Any]:
    """By theorem: the result, the proof, and every node with the tactics tried there and their outcomes."""
    folder = RunFolder.open(path)
    searched = {}
    for file in trajectory_files(path):
        for table in read_tables(file):
            rows = [
                {column: value for column, value in row.items() if column not in _OF_THE_RUN}
                for row in table.to_pylist()
            ]
            for row in rows:
                for edge in row["edges"] or ():
                    edge.pop("seconds")
            searched[rows[0]["theorem"]] = rows
    return {
        name: (
            dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id="", usage={}, attempts=1),
            folder.proof(name) if result.proof_file else "",
            searched.get(name),
        )
        for name, result in folder.results().items()
    }
