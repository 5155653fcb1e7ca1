"""``proofsearch metamath``: check a database, prepare it for search, show a theorem's proof."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from proofsearch.errors import InputError

from proofsearch_metamath.checking import check_file
from proofsearch_metamath.environment import MetamathConfig, MetamathEnvironment
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.prepare import prepare

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
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def update(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._progress.task_ids[list(self._tasks).index(what)], completed=done, total=total)


@app.command()
def check(
    path: DatabasePath,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: one a processor, at most 8.")] = None,
) -> None:
    """Verifies every proof of a database with the stack machine.

    Exit 0 and a count, or exit 1 and the first error with its place.
    """
    started = time.perf_counter()
    try:
        with _Bars() as bars:
            count = check_file(path, jobs, lambda done, total: bars.update("verifying", done, total))
    except (MetamathError, OSError) as error:
        typer.echo(_message(path, error), err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{path}: {count} theorems verified in {time.perf_counter() - started:.1f} s")


@app.command(name="prepare")
def prepare_command(path: DatabasePath) -> None:
    """Reads and parses a database once and keeps the result in the cache, from which searches load it.

    A search does the same by itself where it has to. A database that has changed is prepared again.
    """
    started = time.perf_counter()
    try:
        with _Bars() as bars:
            library = prepare(path, _cache() / "metamath", bars.update)
    except (MetamathError, OSError) as error:
        raise InputError(_message(path, error)) from None
    typer.echo(
        f"{path}: {len(library.provable)} assertions ready for search in {time.perf_counter() - started:.1f} s "
        f"(cache: {_cache() / 'metamath'})"
    )


@app.command()
def show(
    theorem: Annotated[str, typer.Argument(help="A theorem's label.")],
    proof: Annotated[
        Path | None, typer.Option(help="A proof that a search wrote; default: the library's own.")
    ] = None,
    database: Annotated[Path | None, typer.Option(help="A .mm database; default: the one that comes along.")] = None,
) -> None:
    """Shows a proof as a person reads it: step, what it uses, label, expression."""
    environment = MetamathEnvironment(MetamathConfig(database=str(database) if database else None), _cache())
    target = environment.theorem(theorem)
    if proof is None:
        text = environment.stored_proof_text(target)
    else:
        try:
            text = proof.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{proof}: can't be read: {error.strerror}") from None
    for number, hypothesis in enumerate(environment.library.frames[theorem].essentials):
        typer.echo(f"$e {number + 1}  {' '.join(hypothesis.expression)}")
    typer.echo(f"$p {target.statement}\n")
    typer.echo(environment.explain(target, text), nl=False)


def _cache() -> Path:
    from proofsearch.registry import cache_folder

    return cache_folder()


def _message(path: Path, error: MetamathError | OSError) -> str:
    if isinstance(error, MetamathError):
        return str(error) if error.file is not None else f"{path}: {error}"
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file; give the path of a .mm database"
    return f"{path}: can't be read: {error.strerror or error}"
