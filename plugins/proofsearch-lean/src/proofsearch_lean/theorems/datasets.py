"""Data sets of formal statements: JSON lines and Parquet, in the forms in which they are published.

A row has a statement and mostly a header, a name and a split, under different names: miniF2F's ``formal_statement`` and
``header``, ProofNet's ``lean4_formalization`` and ``lean4_src_header``, PutnamBench's ``lean4_statement``. The
statement may end with ``:= by sorry``, ``:= by``, ``:=`` or nothing; what stands in the row before its last theorem
stays before it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proofsearch.errors import InputError
from proofsearch.storage.texts import read_text
from proofsearch_lean.theorems.scanner import ScanError, tokens
from proofsearch_lean.theorems.sources import Source, Trouble, nearest_toolchain, parse_source, read_split

STATEMENTS = ("formal_statement", "lean4_formalization", "lean4_statement", "formalization", "lean4_code", "statement")
HEADERS = ("header", "lean4_src_header", "lean4_header", "src_header", "formal_header")
NAMES = ("name", "id", "problem_name", "problem_id", "theorem_name", "uuid")
SPLITS = ("split",)
TOOLCHAINS = ("lean_toolchain", "toolchain", "lean_version", "lean4_version")
_SUFFIXES = (".jsonl", ".json", ".parquet")


def read_dataset(path: Path, header: str | None) -> Iterator[Source | Trouble]:
    """The rows of a data set as sources, one theorem each.

    Args:
        path: ``.jsonl``, ``.json`` (a list of objects) or ``.parquet``.
        header: what stands before a row that has none.

    Raises:
        InputError: it can't be read, or no row has a statement; the message names file, row and what is expected.
    """
    path = path.expanduser()
    nearby = nearest_toolchain(path)
    known = 0
    columns: set[str] = set()
    for number, row in _rows(path):
        columns |= row.keys()
        statement = _first(row, STATEMENTS)
        if not statement:
            continue
        known += 1
        yield _source(f"{path.name}:{number}", row, statement, header, nearby)
    if not known:
        raise InputError(
            f"{path}: no row has a statement; expected one under {', '.join(STATEMENTS)}, "
            f"found {', '.join(sorted(columns)) or 'nothing'}"
        )


def _source(label: str, row: Mapping[str, Any], statement: str, header: str | None, nearby: str) -> Source | Trouble:
    name = _first(row, NAMES)
    before = _first(row, HEADERS) or ("" if _imports(statement) else header or "")
    if before and not before.endswith("\n"):
        before += "\n"
    source = parse_source(
        label,
        before + statement,
        split=read_split(_first(row, SPLITS)),
        name=name,
        toolchain=_first(row, TOOLCHAINS) or nearby,
    )
    if isinstance(source, Trouble):
        return source
    if not source.found:
        return Trouble(label, "the row holds no theorem or lemma", name)
    target = source.found[-1]
    if any(token.text in ("sorry", "admit") for token in tokens(source.text[: target.start])):
        return Trouble(
            label, "the row holds a second sorry, before the theorem: fill in what it leaves open", name or target.name
        )
    return Source(source.label, source.text, (target,), source.split, name, source.toolchain)


def _imports(statement: str) -> bool:
    try:
        first = next(tokens(statement), None)
    except ScanError:
        return False
    return first is not None and first.text in ("import", "module", "prelude")


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these entries that is there, as text."""
    for name in names:
        value = row.get(name)
        if value is not None and not isinstance(value, dict | list | float | bool):
            return str(value)
    return ""


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a data set with their numbers from 1."""
    match path.suffix:
        case ".jsonl":
            yield from _json_lines(path)
        case ".json":
            yield from _json_list(path)
        case ".parquet":
            yield from _parquet(path)
        case suffix:
            raise InputError(f"{path}: a data set is one of {', '.join(_SUFFIXES)}; found {suffix or 'no suffix'}")


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Not splitlines(): texts may hold U+2028 and its like.
    for number, line in enumerate(read_text(path, "a JSON object a line").split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: no JSON: {error}; expected an object a line") from None
            yield number, _object(row, path, number)


def _json_list(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        rows = json.loads(read_text(path, "a JSON list of objects"))
    except ValueError as error:
        raise InputError(f"{path}: no JSON: {error}; expected a list of objects") from None
    if not isinstance(rows, list):
        raise InputError(f"{path}: holds no list; expected a list of objects")
    for number, row in enumerate(rows, start=1):
        yield number, _object(row, path, number)


def _object(row: Any, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{path}:{number}: found {type(row).__name__}; expected an object with a statement")
    return row


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Imported here since a run over files has no need of it.
    import pyarrow
    import pyarrow.parquet

    wanted = {*STATEMENTS, *HEADERS, *NAMES, *SPLITS, *TOOLCHAINS}
    try:
        file = pyarrow.parquet.ParquetFile(path)
        columns = [name for name in file.schema_arrow.names if name in wanted]
        rest = dict.fromkeys(name for name in file.schema_arrow.names if name not in wanted)
        number = 0
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                number += 1
                yield number, {**rest, **row}
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}; expected a Parquet file") from None
    except pyarrow.ArrowException as error:
        raise InputError(f"{path}: no Parquet file: {error}") from None
