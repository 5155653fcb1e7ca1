"""Dataclasses from JSON objects, every field held to its declared type, however deep it stands.

Files of a run folder are edited by people and cut by crashes. What is wrong with one is said with the field's dotted
name; a value of the wrong type never gets as far as the code that would trip over it. Strings may hold lone
surrogates, as names of theorems may, which is why pydantic doesn't read these.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from typing import Any, TypeVar

Kind = TypeVar("Kind")

LARGEST = 2**63 - 1
"""The largest whole number that every reader of these files can hold."""


def from_json(kind: type[Kind], line: bytes | str, *, derived: tuple[str, ...] = ()) -> tuple[Kind, dict[str, Any]]:
    """Reads a JSON object.

    Args:
        kind: a dataclass whose fields are strings, numbers, booleans, dataclasses, ``tuple[str, ...]``,
            ``Mapping[str, float]`` or one of these or ``None``.
        line: the JSON.
        derived: keys that may stand in the object though no field has their name.

    Returns:
        The dataclass, and the values of what is derived.

    Raises:
        ValueError: not JSON, no object, an unknown or missing field, or a value of the wrong type; the message names
            the field.
    """
    try:
        values = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    extra = {name: values.pop(name) for name in derived if isinstance(values, dict) and name in values}
    made: Kind = _reader(typing.cast("Hashable", kind))(values, "")
    return made, extra


_Read = Callable[[object, str], Any]
"""Reads a value that stands at a place, its dotted name."""


@cache
def _reader(kind: Any) -> _Read:
    """What reads values of a type. Made once a type: runs have lines by the ten thousand."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(member for member in arguments if member is not type(None)))
        if type(None) not in arguments:
            return inner
        return lambda value, place: None if value is None else inner(value, place)
    if dataclasses.is_dataclass(kind):
        return _object_reader(kind)
    if origin is tuple:
        return _list_reader(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping_reader(_reader(arguments[1]))
    return _plain_reader(kind)


def _object_reader(kind: Any) -> _Read:
    hints = typing.get_type_hints(kind)
    fields = {entry.name: _reader(hints[entry.name]) for entry in dataclasses.fields(kind)}
    plain = {name: _plain_types(hints[name]) for name in fields}
    required = [
        entry.name
        for entry in dataclasses.fields(kind)
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
    ]

    def read(values: object, place: str) -> Any:
        if not isinstance(values, dict):
            raise ValueError(f"{f'{place}: ' if place else ''}expected an object, found {shown(values)}")
        prefix = f"{place}." if place else ""
        for name in values:
            if name not in fields:
                raise ValueError(f"unknown field {f'{prefix}{name}'!r}")
        for name in required:
            if name not in values:
                raise ValueError(f"the field {f'{prefix}{name}'!r} is missing")
        # Most values are plain, and of lines by the ten thousand: a reader is called where one is not, or is wrong.
        return kind(
            **{
                name: value if type(value) in plain[name] else fields[name](value, prefix + name)
                for name, value in values.items()
            }
        )

    return read


def _plain_types(kind: Any) -> Collection[type]:
    """The types whose values are taken as they are; numbers have bounds, so none of theirs."""
    members = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    return {member for member in members if member in (str, bool, type(None))}


def _list_reader(inner: _Read) -> _Read:
    def read(value: object, place: str) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"{place}: expected a list, found {shown(value)}")
        return tuple(inner(entry, f"{place}[{number}]") for number, entry in enumerate(value))

    return read


def _mapping_reader(inner: _Read) -> _Read:
    def read(value: object, place: str) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"{place}: expected an object, found {shown(value)}")
        return {name: inner(entry, f"{place}.{name}") for name, entry in value.items()}

    return read


def _plain_reader(kind: type[Any]) -> _Read:
    words = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}[kind]
    taken = (int, float) if kind is float else (kind,)

    def read(value: object, place: str) -> Any:
        if type(value) not in taken:
            raise ValueError(f"{place}: expected {words}, found {shown(value)}")
        if isinstance(value, int) and not -LARGEST - 1 <= value <= LARGEST:
            raise ValueError(f"{place}: expected a number of at most 64 bits, found {shown(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{place}: expected a finite number, found {value}")
        return value

    return read


def shown(value: object) -> str:
    """A value as a message shows it: as JSON writes it, cut where it is long."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):  # too deep, or an integer of thousands of digits
        return f"a huge {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}…"
