"""Which runs belong together: those that differ in nothing that decides what a search finds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from proofsearch.config import RunConfig
from proofsearch.errors import RunFolderError
from proofsearch.plugins.packages import PACKAGES
from proofsearch.plugins.resolution import named_components
from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.contents import RunContents
from proofsearch.runs.fields import shown

_MAY_DIFFER = {"select.shard", "execution.workers", "observers"}
"""Settings that decide nothing but who searches what, with how many at a time, and who looks on."""

_OF_ENVIRONMENT = " of environment.json"

OF_THE_MOMENT = (
    "seconds",
    "seconds_by_part",
    "processor_seconds",
    "prover_processor_seconds",
    "usage",
    "replacements",
    "attempts",
    "search_id",
    "proof_file",
    "traceback",
)
"""Fields of a result in which two searches of the same theorem differ even where all else is equal."""


def refuse_different_runs(first: RunContents, other: RunContents) -> None:
    """Refuses two runs that can't be parts of one.

    Raises:
        RunFolderError: they differ; the message names the setting or the entry, and both values.
    """
    for what, one, two in _differences(first, other):
        raise RunFolderError(
            f"{other.path}: {what} is {shown(two)}, and {shown(one)} in {first.path}; only runs that differ in nothing "
            f"but their shard can be merged"
        )


def refuse_different_results(first: RunContents, one: TheoremResult, other: RunContents, two: TheoremResult) -> None:
    """Refuses two results of one theorem that aren't the same, apart from times.

    Raises:
        RunFolderError: they differ; the message names the field, and both values.
    """
    for entry in dataclasses.fields(TheoremResult):
        ours, theirs = getattr(one, entry.name), getattr(two, entry.name)
        if entry.name not in OF_THE_MOMENT and ours != theirs:
            raise RunFolderError(
                f"{other.path}: the result of {two.theorem!r} is another than in {first.path}: {entry.name} is "
                f"{_plainly(theirs)}, and {_plainly(ours)} there; leave one of the two runs out"
            )


def _differences(first: RunContents, other: RunContents) -> Iterator[tuple[str, Any, Any]]:
    """What differs, for people, with both values."""
    ours, theirs = first.config, other.config
    yield from _unequal("", _deciding(ours), _deciding(theirs))
    if ours.select.shards.of != theirs.select.shards.of:
        yield "select.shard", ours.select.shard, theirs.select.shard
    one, two = first.environment, other.environment
    yield from _unequal("fingerprint.", one.get("fingerprint", {}), two.get("fingerprint", {}), _OF_ENVIRONMENT)
    took_part = _used(first) | _used(other)
    for name, version, another in _unequal("", one.get("plugins", {}), two.get("plugins", {})):
        if name in took_part:
            yield f"plugins.{name}{_OF_ENVIRONMENT}", version, another
    for name, version, another in _unequal("", _core(one), _core(two)):
        yield f"packages.{name}{_OF_ENVIRONMENT}", version, another
    yield from _unequal("", {"proof_suffix": first.proof_suffix}, {"proof_suffix": other.proof_suffix}, " of run.json")
    yield from _unequal("selected.", dataclasses.asdict(first.whole), dataclasses.asdict(other.whole), " of run.json")


def unrelated(first: RunContents, other: RunContents) -> Iterator[str]:
    """The plugins whose versions differ though none of their components took part, a sentence each."""
    took_part = _used(first) | _used(other)
    one, two = first.environment.get("plugins", {}), other.environment.get("plugins", {})
    for name, ours, theirs in _unequal("", one, two):
        if name not in took_part:
            yield (
                f"{name} is {theirs or 'not installed'} in {other.path}, and {ours or 'not installed'} in "
                f"{first.path}; no component of it took part"
            )


def _used(run: RunContents) -> set[str]:
    """The distributions of a run's components.

    Older runs don't say them: of theirs all count but those of this project whose components the configuration doesn't
    name.
    """
    if (used := run.environment.get("used")) is not None:
        return set(used)
    config = run.config
    named = {*named_components(config).values(), *config.options} - set(config.observers)
    return {
        name
        for name in run.environment.get("plugins", {})
        if name not in PACKAGES or any(named & set(names) for names in PACKAGES[name].values())
    }


def _core(environment: Mapping[str, Any]) -> dict[str, Any]:
    return {"proofsearch": environment.get("packages", {}).get("proofsearch")}


def _deciding(config: RunConfig) -> dict[str, Any]:
    """The settings by dotted name, without those that may differ and the options of observers."""
    values = config.model_dump()
    watching = set(config.observers) - set(named_components(config).values())
    values["options"] = {name: given for name, given in values["options"].items() if name not in watching}
    return {name: value for name, value in _flat(values) if name not in _MAY_DIFFER}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _unequal(
    prefix: str, one: Mapping[str, Any], two: Mapping[str, Any], place: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    # What was chosen before its options, which differ because of it.
    for name in sorted(one.keys() | two.keys(), key=lambda name: (name.startswith("options."), name)):
        if one.get(name) != two.get(name):
            yield f"{prefix}{name}{place}", one.get(name), two.get(name)


def _plainly(value: object) -> str:
    return shown(
        dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    )
