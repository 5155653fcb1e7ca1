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
from collections.abc import Mapping
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
    return _object(kind, values, ""), extra


@cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """The type of each field, and whether it has to be there."""
    hints = typing.get_type_hints(kind)
    return {
        entry.name: (
            hints[entry.name],
            entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING,
        )
        for entry in dataclasses.fields(kind)
    }


def _object(kind: type[Kind], values: object, place: str) -> Kind:
    if not isinstance(values, dict):
        raise ValueError(f"{f'{place}: ' if place else ''}expected an object, found {shown(values)}")
    of: Any = kind
    fields = _fields(of)
    prefix = f"{place}." if place else ""
    for name in values:
        if name not in fields:
            raise ValueError(f"unknown field {f'{prefix}{name}'!r}")
    for name, (_, required) in fields.items():
        if required and name not in values:
            raise ValueError(f"the field {f'{prefix}{name}'!r} is missing")
    return kind(**{name: _value(fields[name][0], value, prefix + name) for name, value in values.items()})


def _value(kind: Any, value: object, place: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        kind = next(member for member in arguments if member is not type(None))
        return _value(kind, value, place)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place}: expected a list, found {shown(value)}")
        return tuple(_value(arguments[0], entry, f"{place}[{number}]") for number, entry in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f"{place}: expected an object, found {shown(value)}")
        return {name: _value(arguments[1], entry, f"{place}.{name}") for name, entry in value.items()}
    return _plain(kind, value, place)


def _plain(kind: type[Any], value: object, place: str) -> Any:
    words = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}
    taken = (int, float) if kind is float else (kind,)
    if not isinstance(value, taken) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place}: expected {words[kind]}, found {shown(value)}")
    if isinstance(value, int) and not -LARGEST - 1 <= value <= LARGEST:
        raise ValueError(f"{place}: expected a number of at most 64 bits, found {shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place}: expected a finite number, found {value}")
    return value


def shown(value: object) -> str:
    """A value as a message shows it: as JSON writes it, cut where it is long."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):  # too deep, or an integer of thousands of digits
        return f"a huge {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}…"
