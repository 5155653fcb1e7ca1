"""Joining the runs of a selection's shards into one run, as if one machine had searched them all.

:func:`merge_runs` needs neither the prover nor any plugin: everything is in the folders. They are read one after
another, so the memory depends on the results of one of them and on the names of all theorems. The merged folder grows
beside its place, as ``<name>.part``, and gets its name when all of it is on the disk: a merge that was killed leaves
nothing that a reader takes for a run, and the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from proofsearch.protocols.events import OnEvent, ignore_event
from proofsearch.runs.layout import refuse_taken
from proofsearch.runs.merging.copying import Copy, Merged
from proofsearch.runs.merging.growing import growing
from proofsearch.runs.merging.plan import Plan

__all__ = ["Merged", "merge_runs"]


def merge_runs(paths: Sequence[Path], out: Path, *, on_event: OnEvent = ignore_event) -> Merged:
    """Joins runs of shards of one selection. They stay as they are.

    Where several of them have a result of a theorem, one is kept if all are equal, times aside. A worker's failure is
    no result where another run has one.

    Args:
        paths: the run folders, at least one, finished or not.
        out: the run folder to make; must not exist or be empty.
        on_event: told what takes long.

    Raises:
        RunFolderError: one is no run folder, or damaged; two are of different configurations, environments or
            selections, or have different results of one theorem; or ``out`` is taken. Nothing was written.
        InputError: a trajectory file is damaged.
        StorageError: ``out`` can't be written. Nothing is left of it.
    """
    refuse_taken(out)
    plan = Plan.of(paths, on_event)
    with growing(out) as part:
        return Copy(plan, part, on_event).merged(out)
