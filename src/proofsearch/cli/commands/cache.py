"""``proofsearch cache``: what is kept because it can be computed again, and how to get rid of it."""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from proofsearch.cli.output.console import console, escape
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.models.embedding_cache import FOLDER, EmbeddingStore
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.storage.cache import cache_folder


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Show and clear what can be computed again.")
    group.command("info")(_info)
    group.command("clear")(_clear)
    app.add_typer(group, name="cache")


def _info(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what the cache folder holds, and of which encoders there are encoded states."""
    folder = cache_folder()
    entries = [
        {"name": path.name, "megabytes": round(_bytes(path) / 1e6, 3), "last_change": _last_change(path)}
        for path in _entries(folder)
    ]
    encoders: list[dict[str, Any]] = []
    damaged = ""
    try:
        encoders = [
            {
                "fingerprint": encoder.fingerprint,
                "rows": encoder.rows,
                "megabytes": round(encoder.bytes / 1e6, 3),
                "last_use": _time(encoder.last_use),
            }
            for encoder in _store(folder).stored()
        ]
    except InputError as error:
        damaged = str(error)
    if as_json:
        streams.output(json.dumps({"folder": str(folder), "entries": entries, "encoders": encoders}, indent=2))
    else:
        out = console()
        out.print(escape(folder), soft_wrap=True)
        _print(out, "name megabytes last_change", entries)
        _print(out, "fingerprint rows megabytes last_use", encoders)
    if damaged:
        streams.warning(damaged)


def _clear(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help=f"Folders, by the names that info shows; default: {FOLDER}.", show_default=False
        ),
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint",
            help="Only the encoded states of the encoder with this fingerprint; its beginning is enough.",
        ),
    ] = None,
) -> None:
    """Delete what the cache folder holds. It is computed again when it is needed."""
    folder = cache_folder()
    if fingerprint is not None:
        if names:
            raise UsageError("--fingerprint chooses among the encoded states; leave the names out, or --fingerprint")
        _clear_encoder(folder, fingerprint)
        return
    known = {path.name: path for path in _entries(folder)}
    for name in names or []:
        if name not in known:
            raise UsageError(f"{folder} holds no {name!r}; it holds: {', '.join(known) or 'nothing'}")
    if not names and FOLDER not in known:
        streams.output(f"{folder} holds no encoded states")
        return
    for name in names or [FOLDER]:
        path, before = known[name], _bytes(known[name])
        if name == FOLDER:
            # Searches may be going on that have the database open, so it is emptied and not deleted.
            _store(folder).clear()
        else:
            _delete(path)
        streams.output(f"{name}: {(before - _bytes(path)) / 1e6:.1f} MB cleared")


def _clear_encoder(folder: Path, beginning: str) -> None:
    store = _store(folder)
    stored = store.stored()
    found = [encoder for encoder in stored if encoder.fingerprint == beginning]
    found = found or [encoder for encoder in stored if encoder.fingerprint.startswith(beginning)]
    if len(found) != 1:
        what = "several encoders have" if found else "no encoder has"
        names = ", ".join(encoder.fingerprint for encoder in found or stored) or "none"
        raise UsageError(f"--fingerprint {beginning}: {what} a fingerprint that begins so; there are: {names}")
    store.clear(found[0].fingerprint)
    streams.output(f"{found[0].fingerprint}: {found[0].rows} rows of {found[0].bytes / 1e6:.1f} MB cleared")


def _store(folder: Path) -> EmbeddingStore:
    return EmbeddingStore(folder / FOLDER, None, _never)


def _never(message: str) -> None:
    raise AssertionError(f"looking and clearing raise instead: {message}")


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _bytes(path: Path) -> int:
    total = 0
    for file in _files(path):
        with contextlib.suppress(FileNotFoundError):  # others may be at work in there
            total += file.stat().st_size
    return total


def _last_change(path: Path) -> str:
    newest = 0.0
    for file in _files(path):
        with contextlib.suppress(FileNotFoundError):
            newest = max(newest, file.stat().st_mtime)
    return _time(newest)


def _time(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "minutes")


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise StorageError(f"{error.filename or path}: can't be deleted: {error.strerror or error}") from None


def _print(out: Console, columns: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    out.print()
    table = Table(box=None, header_style="bold")
    for name in columns.split():
        table.add_column(name.replace("_", " "), justify="right" if name in ("rows", "megabytes") else "left")
    for row in rows:
        # Columns of numbers have a fixed number of places, so that they can be compared at a glance.
        table.add_row(*(f"{cell:,.1f}" if isinstance(cell, float) else escape(f"{cell}") for cell in row.values()))
    out.print(table)
