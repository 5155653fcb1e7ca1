"""Writes a report: evaluates the runs, chooses the trees, reads them, and puts everything into one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch.evaluation import evaluate
from proofsearch.evaluation.report.choice import check_named, choose
from proofsearch.evaluation.report.page import packed, page
from proofsearch.evaluation.report.settings import ReportSettings
from proofsearch.evaluation.report.summary import summary_data
from proofsearch.evaluation.report.tree import tree_data
from proofsearch.evaluation.result import run_names
from proofsearch.protocols.events import OnEvent, Preparing, ignore_event
from proofsearch.runs import RunFolder
from proofsearch.runs.layout import own_files
from proofsearch.storage.outputs import check_file, write_file
from proofsearch.trajectory.reader import read_searches


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written.

    Attributes:
        path: the file.
        bytes: its size.
        trees: how many search trees it shows.
        theorems: of how many theorems they are.
        left_out: how many theorems have a recorded search and no tree in it.
    """

    path: Path
    bytes: int
    trees: int
    theorems: int
    left_out: int


def write_report(
    paths: Sequence[Path],
    out: Path,
    settings: ReportSettings | None = None,
    *,
    overwrite: bool = False,
    on_event: OnEvent = ignore_event,
) -> Written:
    """Writes a report about runs.

    Args:
        paths: run folders, at least one; the first is what the others are compared with. They may still be written to.
        out: the HTML file.
        settings: what it is about.
        overwrite: a file there may be replaced, if it is none of the runs'.
        on_event: told what takes long.

    Raises:
        UsageError: nothing to report, runs that can't be compared, a theorem without a tree, or a file in the way.
        RunFolderError: not a run folder, or damaged.
        InputError: a trajectory is damaged.
        StorageError: the file can't be written.
    """
    settings = settings or ReportSettings()
    inputs = own_files(paths)
    check_file(out, inputs=inputs, overwrite=overwrite)
    evaluation = evaluate(paths, settings.evaluation, on_event=on_event)
    folders = [RunFolder.open(path) for path in paths]
    evaluated = [set(run.efforts.theorems) for run in evaluation.runs]
    results = [
        {name: result for name, result in folder.results().items() if name in names}
        for folder, names in zip(folders, evaluated, strict=True)
    ]
    check_named(settings.theorems, results, paths)
    choice = choose(results, settings.trees, settings.theorems)
    place = {name: index for index, name in enumerate(choice.theorems)}
    wanted = [
        {result.search_id for name, result in run_results.items() if result.search_id and name in place}
        for run_results in results
    ]
    entries, trees = [], {}
    for number, (folder, ids) in enumerate(zip(folders, wanted, strict=True)):
        for name, tree in _trees(folder, ids, on_event):
            key = f"tree-{number}-{place[name]}"
            entries.append(
                {"id": key, "run": number, "theorem": name, "nodes": tree["total"], "shown": len(tree["text"])}
            )
            trees[key] = packed(tree)
    entries.sort(key=lambda entry: (place[entry["theorem"]], entry["run"]))
    title = f"{' · '.join(run_names(evaluation))} – proofsearch report"
    content = page(title, summary_data(evaluation, folders, results, choice, entries), trees)
    write_file(out, content, inputs=inputs, overwrite=overwrite)
    left_out = choice.proved_left_out + choice.failed_left_out
    return Written(out, len(content), len(trees), len(choice.theorems), left_out)


def _trees(folder: RunFolder, ids: set[str], on_event: OnEvent) -> Iterator[tuple[str, dict[str, Any]]]:
    """The trees of some searches of a run, with their theorems' names."""
    if not ids:
        return
    done = 0
    for search in read_searches([folder.path]):
        if search.search_id in ids:
            done += 1
            on_event(Preparing(f"search trees of {folder.path}", done, len(ids)))
            yield search.theorem.name, tree_data(search)
            if done == len(ids):
                return
