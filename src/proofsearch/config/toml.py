"""A configuration as TOML and back, exactly: that of a run, or another model whose every field has a default.

TOML has no null, and leaving a key out means its default. So a setting that is deliberately empty where its default is
not, such as a search without a bound on expansions, stands in the top-level list ``unset``::

    unset = ["search.limit.expansions"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any, TypeVar, overload

import tomli_w
from pydantic import ValidationError

from proofsearch.config import FrozenModel, IterateConfig, RunConfig, TrainConfig
from proofsearch.config.explain import explain
from proofsearch.errors import InputError

UNSET = "unset"
"""The key of the list of settings that are deliberately empty."""


Model = TypeVar("Model", bound=FrozenModel)


def to_toml(config: FrozenModel) -> str:
    """The configuration as TOML; :func:`from_toml` gives an equal one back."""
    values = config.model_dump()
    defaults = type(config)().model_dump()
    unset = [path for path, value in _leaves(values) if value is None and _at(defaults, path, missing=...) is not None]
    document = _without_none(values)
    if unset:
        document = {UNSET: [_dotted(path) for path in unset], **document}
    return tomli_w.dumps(document)


@overload
def from_toml(text: str, source: str) -> RunConfig: ...


@overload
def from_toml(text: str, source: str, model: type[Model]) -> Model: ...


def from_toml(text: str, source: str, model: type[FrozenModel] = RunConfig) -> FrozenModel:
    """Reads a configuration.

    Args:
        text: the TOML.
        source: what to call it in errors, usually the file's path.
        model: what it is the configuration of.

    Raises:
        InputError: not TOML, an unknown key, or a value that doesn't fit; the message names each.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise InputError(f"{source}: not valid TOML: {error}") from None
    paths = document.pop(UNSET, [])
    if not isinstance(paths, list):
        raise InputError(f"{source}: {UNSET} must be a list of dotted names, found {paths!r}")
    for dotted in paths:
        _unset(document, dotted, source)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{source}: {explain(error, model)}") from None


_SEARCH = ("search.candidates", "search.batch", "search.limit.expansions", "search.priority.kind")
_EXECUTION = ("execution.executor", "execution.workers", "execution.attempts")
_ALWAYS: dict[type[FrozenModel], tuple[str, ...]] = {
    RunConfig: ("env", "generator", "scorer", "seed", "trajectories", *_SEARCH, *_EXECUTION),
    TrainConfig: ("plugin", "env", "seed", *_EXECUTION),
    IterateConfig: ("plugin", "env", "generator", "seed", "rounds", "theorems", "validation", *_SEARCH, *_EXECUTION),
}
"""What these files have said since their first version; what came later may be missing in an early one."""


def from_whole_toml(text: str, source: str, model: type[Model]) -> Model:
    """Reads a configuration that :func:`to_toml` wrote, of a run, a training or an iteration.

    Raises:
        InputError: as :func:`from_toml`, or it lacks what such a file always says: it was emptied or cut, and other
            settings would be taken for its own.
    """
    config = from_toml(text, source, model)
    given = config.model_dump(exclude_unset=True)
    lacking = [name for name in _ALWAYS[model] if _at(given, tuple(name.split(".")), missing=...) is ...]
    if lacking:
        more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
        raise InputError(
            f"{source}: damaged: emptied or cut: {', '.join(lacking[:3])}{more} must be there; restore it from a copy"
        )
    return config


def _unset(document: dict[str, Any], dotted: object, source: str) -> None:
    try:
        # A dotted name is a TOML key, so TOML's own reader knows how quotes in it work.
        path, _ = next(_leaves(tomllib.loads(f"{dotted} = 0") if isinstance(dotted, str) else {}))
    except (tomllib.TOMLDecodeError, StopIteration):
        raise InputError(f"{source}: {UNSET} holds {dotted!r}, which is no dotted name") from None
    table = document
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise InputError(f"{source}: {UNSET} holds {dotted!r}, but {key!r} is no table")
    if path[-1] in table:
        raise InputError(f"{source}: {dotted} has a value and also stands in {UNSET!r}; keep one of them")
    table[path[-1]] = None


def _leaves(table: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _at(table: dict[str, Any], path: tuple[str, ...], missing: object) -> object:
    value: Any = table
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return missing
        value = value[key]
    return value


def _without_none(table: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in table.items()
        if value is not None
    }


def _dotted(path: tuple[str, ...]) -> str:
    # tomli_w quotes a key where TOML wants it quoted; what it writes is "key = 0\n".
    return ".".join(tomli_w.dumps({key: 0}).removesuffix(" = 0\n") for key in path)
