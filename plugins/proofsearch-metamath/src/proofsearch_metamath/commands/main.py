"""``proofsearch metamath``: check and prepare databases, show proofs, put found proofs into a copy of a database."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from proofsearch.config.bounds import MOST_WORKERS
from proofsearch.errors import InputError
from proofsearch.process import streams
from proofsearch.storage.cache import cache_folder
from proofsearch.storage.outputs import OVERWRITE, check_file, write_file
from proofsearch_metamath.commands.found import read_found, read_proof, verify_found
from proofsearch_metamath.commands.splicing import splice_all
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.library.grounds import describe_flaws
from proofsearch_metamath.proofs.checking import check_file as check_database
from proofsearch_metamath.proofs.checking import usable_processors

app = typer.Typer(no_args_is_help=True, help="Check, prepare and show Metamath databases.")

DatabasePath = Annotated[Path, typer.Argument(metavar="FILE.mm", help="A Metamath database.")]


class _Bars:
    """Progress bars on a terminal, silence elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def update(self, what: str, done: int | None, total: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)


@app.command()
def check(
    path: DatabasePath,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=MOST_WORKERS, help="Processes; default: one a processor, at most 8.")
    ] = None,
) -> None:
    """Verifies every proof of a database with the stack machine.

    Exit 0 and a count, exit 1 and the first error with its place, or exit 3 if the file can't be read.
    """
    started = time.perf_counter()
    try:
        with _Bars() as bars:
            count = check_database(path, jobs, lambda done, total: bars.update("verifying", done, total))
    except MetamathError as error:
        if error.kind == "unreadable":
            raise InputError(str(error)) from None
        streams.message(str(error) if error.file is not None else f"{path}: {error}")
        raise typer.Exit(1) from None
    streams.output(f"{path}: {count} theorems verified in {time.perf_counter() - started:.1f} s")


@app.command()
def prepare(path: DatabasePath) -> None:
    """Reads and parses a database once and keeps the result in the cache, from which searches load it.

    A search does the same by itself if it has to. A database that has changed is prepared again.
    """
    started = time.perf_counter()
    with _Bars() as bars:
        library = _environment(path, bars).library
    flaws = describe_flaws(library, unfinished=True)
    if flaws:
        streams.message(f"{path}: {flaws}")
    streams.output(
        f"{path}: {len(library.provable)} assertions ready for search in {time.perf_counter() - started:.1f} s "
        f"(cache: {cache_folder() / 'metamath'})"
    )


@app.command()
def show(
    theorem: Annotated[str, typer.Argument(help="A theorem's label.")],
    proof: Annotated[Path | None, typer.Option(help="A proof that a search wrote; default: the library's own.")] = None,
    database: Annotated[Path | None, typer.Option(help="A .mm database; default: the one that comes along.")] = None,
) -> None:
    """Shows a proof as a person reads it: step, what it uses, label, expression."""
    environment = _environment(database)
    target = environment.theorem(theorem)
    text = environment.stored_proof_text(target) if proof is None else read_proof(proof)
    for number, hypothesis in enumerate(environment.library.frames[theorem].essentials):
        streams.output(f"$e {number + 1}  {' '.join(hypothesis.expression)}")
    streams.output(f"$p {target.statement}\n")
    streams.output(environment.explain(target, text), end="")


@app.command()
def splice(
    found: Annotated[list[Path], typer.Argument(metavar="RUN|PROOF.mm…", help="Run folders, or proofs.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    database: Annotated[
        Path | None, typer.Option(help="A .mm database; default: the runs' own, else the one that comes along.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option(OVERWRITE, help="Replace an existing file, unless it is one of the inputs.")
    ] = False,
) -> None:
    """Writes a copy of the database with found proofs in place of its own, for other verifiers to check.

    Of several proofs of a theorem the first one is taken. Every proof is verified first.
    """
    read = read_found(found)
    with _Bars() as bars:
        environment = _environment(read.database() if database is None else database, bars)
        inputs = [*environment.library.tables.sources, *read.files]
        check_file(out, inputs=inputs, overwrite=overwrite)
        chosen = verify_found(
            environment,
            read.proofs,
            jobs=usable_processors(),
            progress=lambda done, total: bars.update("verifying", done, total),
        )
    text = splice_all(environment.library, chosen)
    write_file(out, text.encode("ascii"), inputs=inputs, overwrite=overwrite)
    streams.output(f"{out}: {environment.path.name} with {len(chosen)} found proofs")


def _environment(database: Path | None, bars: _Bars | None = None) -> MetamathEnvironment:
    return MetamathEnvironment(MetamathConfig(database=database), cache_folder(), None if bars is None else bars.update)
