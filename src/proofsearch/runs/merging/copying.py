"""Copying what a merge joins: results and proofs run by run, then the searches of all in their order."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from proofsearch.config import RunConfig
from proofsearch.config.shard import Shards
from proofsearch.errors import RunFolderError
from proofsearch.protocols.events import OnEvent, Preparing
from proofsearch.runs.creation import begin, seal
from proofsearch.runs.folder import RunFolder
from proofsearch.runs.merging.plan import Plan
from proofsearch.runs.names import safe_names
from proofsearch.runs.recorded import lost_message
from proofsearch.runs.results import PROOFS, to_line
from proofsearch.trajectory.merging import merge_in_order

ROWS_PER_FILE = 2_000_000
"""A file of the merged trajectories is closed once it has so many rows."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to.

    Attributes:
        path: the merged run.
        runs: how many were joined.
        theorems: how many theorems the merged run is about.
        proved: how many of them are proved.
        repeated: how many results stood in several of the runs, and were equal.
        unsearched: the theorems of these runs that have no result yet; ``search --resume`` searches them.
        missing: the shards of the selection that none of the runs is; ``None`` where all are there.
        absent: how many theorems these have.
        notes: in what the runs differ without harm, a sentence each.
    """

    path: Path
    runs: int
    theorems: int
    proved: int
    repeated: int
    unsearched: tuple[str, ...]
    missing: Shards | None
    absent: int
    notes: tuple[str, ...] = ()


class Copy:
    """Copies runs into a folder that grows.

    Args:
        plan: what to copy.
        folder: where to; empty but for its lock.
        on_event: told how far it is.
    """

    def __init__(self, plan: Plan, folder: Path, on_event: OnEvent) -> None:
        self._plan = plan
        self._folder = folder
        self._on_event = on_event
        self._files = safe_names(theorem.name for theorem in plan.theorems)
        self._searches: dict[str, tuple[int, str]] = {}
        self._proved = 0

    def merged(self, out: Path) -> Merged:
        """Copies everything, and writes at last what makes the folder a run.

        Args:
            out: where the folder will be.

        Raises:
            RunFolderError, InputError: one of the runs is damaged.
            OSError: the folder can't be written.
        """
        plan, whole = self._plan, self._plan.first.whole
        missing = plan.shards.others(whole.theorems)
        begin(self._folder, self._config(missing), plan.environment, plan.theorems)
        with (self._folder / "results.jsonl").open("wb") as lines:
            for number, path in enumerate(plan.paths):
                self._on_event(Preparing("copying results and proofs", number, len(plan.paths)))
                self._copy_results(number, RunFolder.open(path), lines)
        self._copy_searches()
        unsearched = tuple(theorem.name for theorem in plan.theorems if theorem.name not in plan.source)
        # One flush for everything: one a file would take a minute for some ten thousand proofs.
        os.sync()
        status = "stopped" if unsearched else "finished"
        seal(self._folder, status, plan.theorems, plan.first.proof_suffix, whole)
        return Merged(
            out,
            len(plan.paths),
            len(plan.theorems),
            self._proved,
            plan.repeated,
            unsearched,
            missing,
            whole.theorems - len(plan.theorems),
            plan.notes,
        )

    def _config(self, missing: Shards | None) -> RunConfig:
        config = self._plan.first.config
        shard = None if missing is None else str(self._plan.shards)
        return config.model_copy(update={"select": config.select.model_copy(update={"shard": shard})})

    def _copy_results(self, number: int, folder: RunFolder, lines: BinaryIO) -> None:
        for name, result in folder.results().items():
            if self._plan.source.get(name) != number:
                continue
            proof_file = ""
            if result.proof_file:
                proof_file = f"{PROOFS}/{self._files[name]}{folder.proof_suffix}"
                (self._folder / proof_file).write_bytes(folder.proof(name).encode())
            if result.search_id:
                self._searches[result.search_id] = (number, name)
            lines.write(to_line(dataclasses.replace(result, proof_file=proof_file)))
            self._proved += result.proved

    def _copy_searches(self) -> None:
        done = 0

        def copied() -> None:
            nonlocal done
            self._on_event(Preparing("merging searches", done, len(self._searches)))
            done += 1

        found = merge_in_order(
            self._plan.paths,
            self._folder / "trajectories",
            only=self._searches.keys(),
            rows_per_file=ROWS_PER_FILE,
            on_search=copied,
        )
        lost = [place for search_id, place in self._searches.items() if search_id not in found]
        if lost:
            number = min(number for number, _ in lost)
            names = [name for of, name in lost if of == number]
            raise RunFolderError(lost_message(self._plan.paths[number], names))
