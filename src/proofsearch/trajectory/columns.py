"""Columns as other programs write them, in the types of the schema: what is the same data is read as such.

Polars writes texts as ``large_string`` or ``string_view``, pandas whole numbers with gaps as floats, others
dictionaries and 64-bit integers. All of these are read where nothing is lost by it; what would lose something, or is
of another kind, is refused with what it should be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from proofsearch.errors import InputError

_FINITE = {
    "logprob": "",
    "seconds": "",
    "value": ", or null where the scorer gave none",
}
"""Columns of finite numbers, and what else may stand there. Edges have their own."""


def fitted(
    column: pa.ChunkedArray[Any], field: pa.Field[Any], source: str, later: Collection[str] = ()
) -> pa.ChunkedArray[Any]:
    """A column in the type of a field of the schema, nothing lost.

    Args:
        column: as the file has it.
        field: of the schema.
        source: what to call the file in errors.
        later: fields of structs that the file's version had not yet; where they are missing they are null.

    Raises:
        InputError: of another kind, a value that doesn't fit, or a null where none may be; the message has the column,
            the type found and the type wanted.
    """
    if column.type == field.type and (field.nullable or not column.null_count) and not _nested(field.type):
        return column
    chunks = column.chunks or [pa.array([], column.type)]
    try:
        return pa.chunked_array([_fitted(chunk, field, field.name, later) for chunk in chunks], field.type)
    except _MisfitError as misfit:
        raise InputError(f"{source}: {misfit}") from None


def check_numbers(table: pa.Table, source: str) -> None:
    """Refuses numbers that no search has, such as a log-probability that is not a number.

    Args:
        table: the rows of one search, in the current schema.
        source: what to call the file in errors.

    Raises:
        InputError: the message has the file, the search, the node and the column.
    """
    for name, otherwise in _FINITE.items():
        wrong = ~np.isfinite(_numbers(table, name))
        if wrong.any():
            node = int(np.flatnonzero(wrong)[0])
            raise _odd(table, source, node, name, table.column(name)[node].as_py(), f"a finite number{otherwise}")
    if (wrong := np.isnan(_numbers(table, "priority"))).any():
        node = int(np.flatnonzero(wrong)[0])
        raise _odd(table, source, node, "priority", "nan", "a number, or null where the node never waited")
    edges: Any = table.column("edges")
    for name, otherwise in (("logprob", ""), ("seconds", ", or null where the step was not timed,")):
        numbers = [chunk.flatten().field(name).fill_null(0.0).to_numpy(zero_copy_only=False) for chunk in edges.chunks]
        wrong = ~np.isfinite(np.concatenate(numbers))
        if wrong.any():
            edge = int(np.flatnonzero(wrong)[0])
            ends = np.cumsum(pc.list_value_length(edges).to_numpy())
            node = int(np.searchsorted(ends, edge, side="right"))
            found = edges[node].as_py()[edge - int(ends[node])]  # counted from the end of the node's own edges
            expected = f"a finite number{otherwise} for {found['tactic']!r}"
            raise _odd(table, source, node, f"edges.{name}", found[name], expected)


def _numbers(table: pa.Table, column: str) -> NDArray[np.float64]:
    found: Any = table.column(column)
    return np.asarray(found.fill_null(0.0).to_numpy())


def _odd(table: pa.Table, source: str, node: int, column: str, found: object, expected: str) -> InputError:
    search = table.column("search_id")[0].as_py()
    return InputError(f"{source}: search {search}, node {node}: column {column!r} is {found}, expected {expected}")


class _MisfitError(Exception):
    """What is wrong with a column, as a sentence that begins with its name."""


def _fitted(array: Any, field: pa.Field[Any], path: str, later: Collection[str]) -> Any:
    """An array in the type of a field, by recursion over lists and structs."""
    wanted = field.type
    if kinds.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not field.nullable and array.null_count:
        row = int(np.flatnonzero(pc.is_null(array).to_numpy(zero_copy_only=False))[0])
        raise _MisfitError(f"column {path!r} is null in row {row}, expected {wanted}; write a value in every row")
    if kinds.is_null(array.type):
        return pa.nulls(len(array), wanted)
    if array.type == wanted and not _nested(wanted):
        return array
    if _kind(array.type) not in _READ_AS[_kind(wanted)]:
        raise _MisfitError(f"column {path!r} is {array.type}, expected {wanted}; write it as {wanted}")
    if kinds.is_list(wanted):
        return _fitted_list(array, field, path, later)
    if kinds.is_struct(wanted):
        return _fitted_struct(array, field, path, later)
    try:
        return array.cast(wanted)
    except pa.ArrowException as error:
        raise _MisfitError(
            f"column {path!r} is {array.type}, expected {wanted}, which can't hold it: {str(error).strip()}"
        ) from None


def _fitted_list(array: Any, field: pa.Field[Any], path: str, later: Collection[str]) -> Any:
    inner = field.type.value_field
    values = _fitted(pc.list_flatten(array), inner, path, later)
    # Offsets of a slice don't begin at 0, and flattening leaves out what stands before it.
    lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    mask = pc.is_null(array) if array.null_count else None
    return pa.ListArray.from_arrays(offsets, values, type=field.type, mask=mask)


def _fitted_struct(array: Any, field: pa.Field[Any], path: str, later: Collection[str]) -> Any:
    names = {array.type.field(at).name for at in range(array.type.num_fields)}
    wanted = [field.type.field(at) for at in range(field.type.num_fields)]
    parts = []
    for part in wanted:
        if part.name in names:
            # As flatten() has it, where a struct that is null has null fields; required fields of such were refused.
            parts.append(_fitted(pc.struct_field(array, part.name), part, f"{path}.{part.name}", later))
        elif part.name in later:
            parts.append(pa.nulls(len(array), part.type))
        else:
            raise _MisfitError(f"column {path!r} has no field {part.name!r}; add it, as {part.type}")
    mask = pc.is_null(array) if array.null_count else None
    return pa.StructArray.from_arrays(parts, fields=wanted, mask=mask)


def _nested(kind: pa.DataType) -> bool:
    return kinds.is_nested(kind)


_READ_AS: dict[str, Iterable[str]] = {
    "text": ("text", "bytes"),
    "whole": ("whole", "real"),
    "real": ("real", "whole"),
    "truth": ("truth",),
    "list": ("list",),
    "struct": ("struct",),
}
"""By what a column should hold, what it may be instead; whether nothing is lost is seen as it is cast."""


def _kind(kind: pa.DataType) -> str:
    """What a type holds, of whatever width and layout."""
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return "text"
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_binary_view(kind):
        return "bytes"
    if kinds.is_integer(kind):
        return "whole"
    if kinds.is_floating(kind):
        return "real"
    if kinds.is_boolean(kind):
        return "truth"
    if kinds.is_struct(kind):
        return "struct"
    lists = (kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list, kinds.is_list_view, kinds.is_large_list_view)
    return "list" if any(is_one(kind) for is_one in lists) else str(kind)
