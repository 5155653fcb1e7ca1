"""Whether a run's trajectories hold the searches that its results name, each once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from proofsearch.errors import RunFolderError
from proofsearch.runs.folder import RunFolder
from proofsearch.runs.searches import looked_through


def recorded_ids(trajectories: Path) -> frozenset[str]:
    """The ids of all searches in a run's trajectories; of a run that is still being written to as well.

    Args:
        trajectories: their folder.

    Raises:
        InputError: a trajectory file is damaged.
    """
    from proofsearch.trajectory.reader import search_ids

    found: dict[Path, frozenset[str]] = {}
    while True:
        try:
            for file in sorted(trajectories.glob("*.parquet")):
                if file not in found:
                    found[file] = search_ids(file)
        except FileNotFoundError:
            continue  # merged into a part since the folder was listed: look again for the part
        return frozenset().union(*found.values())


def disagreements(folder: RunFolder) -> Iterator[str]:
    """Every way in which results and trajectories disagree, one message each.

    In a run that is not finished a search may be there whose result is not.

    Raises:
        RunFolderError, InputError: the folder, or a trajectory file, is damaged.
    """
    finished = folder.status == "finished"
    results = folder.results()  # before the trajectories: a search is there before its result is
    recorded = recorded_ids(folder.trajectories)
    owners: dict[str, str] = {}
    for name, result in results.items():
        if not result.search_id:
            continue  # it failed, or there was nothing to search: its first state had no goal
        if result.search_id not in recorded:
            yield f"the search {result.search_id} of {name!r} is not in {folder.trajectories}"
        other = owners.setdefault(result.search_id, name)
        if other != name:
            yield f"the results of {other!r} and {name!r} name the same search {result.search_id}"
    if finished:
        for search_id in sorted(recorded - owners.keys()):
            yield f"no result names the search {search_id} in {folder.trajectories}; --resume takes it out"


def refuse_missing(folder: RunFolder) -> None:
    """Refuses a run of which searches are gone: figures and lessons from the others alone would mislead.

    Raises:
        RunFolderError: a search that a result names is not in the trajectories.
        InputError: a trajectory file is damaged.
    """
    named = {result.search_id: name for name, result in folder.results().items() if result.search_id}
    if not named:
        return
    parts = folder.trajectories.glob("part-*.parquet")
    lost = named.keys() - looked_through(parts, recorded_ids, folder.trajectories)
    if lost:
        raise RunFolderError(lost_message(folder.path, [named[search_id] for search_id in named if search_id in lost]))


def lost_message(path: Path, theorems: list[str]) -> str:
    """What to say of a run where the searches of these theorems are gone."""
    more = f" and {len(theorems) - 3} more" if len(theorems) > 3 else ""
    return (
        f"{path / 'trajectories'}: the recorded {'search' if len(theorems) == 1 else 'searches'} of "
        f"{', '.join(map(repr, theorems[:3]))}{more} that results.jsonl names {'is' if len(theorems) == 1 else 'are'} "
        f"gone; restore the folder from a copy, or delete these theorems' lines in {path / 'results.jsonl'} to have "
        f"them searched again with --resume"
    )
