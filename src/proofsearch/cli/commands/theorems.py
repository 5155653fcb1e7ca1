"""``proofsearch theorems``: lists what can be searched."""

from __future__ import annotations

import dataclasses
import fnmatch
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from proofsearch.cli.options import Given, component_options, config_options, with_options
from proofsearch.config import RunConfig
from proofsearch.config.bounds import LARGEST
from proofsearch.errors import UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.process import streams
from proofsearch.protocols import Audits, Environment
from proofsearch.types import Theorem


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command, with the options of every environment."""
    own = config_options(RunConfig, {"Options": [("--env", "env"), ("--split", "select.split")]})
    options = [*own, *component_options(plugins, ("environment",))]
    app.command("theorems")(with_options(_command(plugins), options))


def _command(plugins: Plugins) -> Callable[..., None]:
    def theorems(
        patterns: Annotated[
            list[str] | None, typer.Argument(help="Names, or patterns with * and ?; quote them.")
        ] = None,
        limit: Annotated[
            int | None, typer.Option("--limit", min=1, max=LARGEST, help="Only the first theorems, this many.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, with everything known.")] = False,
        audit: Annotated[
            bool, typer.Option("--audit", help="Say which can't be searched, and why, instead of listing them.")
        ] = False,
        *,
        given: Given,
    ) -> None:
        """List the theorems of an environment: name, split, statement."""
        split = given.places.pop(("select", "split"), None)
        config = given.put_over(RunConfig().model_dump(), RunConfig, given.name_in())
        parts = resolve(plugins, config, given.name_in())
        with Components(plugins, parts) as components:
            environment = components.environment()
            found = _matching(environment.theorems(), patterns or [], split)
            if audit:
                _audit(environment, config.env, found[:limit], as_json)
                return
        for theorem in found[:limit]:
            streams.output(
                json.dumps(dataclasses.asdict(theorem))
                if as_json
                else "\t".join(map(streams.one_line, (theorem.name, theorem.split or "-", theorem.statement)))
            )

    return theorems


def _audit(environment: Environment, name: str, theorems: Sequence[Theorem], as_json: bool) -> None:
    """Prints what can't be searched for, and at the end how many of the theorems can."""
    if not isinstance(environment, Audits):
        raise UsageError(f"--audit: the environment {name!r} can't audit theorems; leave --audit out")
    wrong = 0
    names = {theorem.name for theorem in theorems}
    for unusable in environment.audit(theorems):
        wrong += unusable.name in names
        streams.output(
            json.dumps(dataclasses.asdict(unusable))
            if as_json
            else "\t".join(map(streams.one_line, (unusable.name, unusable.source, unusable.reason)))
        )
    streams.message(f"{len(theorems) - wrong} of {len(theorems)} theorems can be searched")


def _matching(theorems: Any, patterns: list[str], split: str | None) -> list[Theorem]:
    found = [
        theorem
        for theorem in theorems
        if (split in (None, "all", theorem.split))
        and (not patterns or any(fnmatch.fnmatchcase(theorem.name, pattern) for pattern in patterns))
    ]
    if not found:
        what = " ".join(patterns) or "anything"
        where = f" in the split {split!r}" if split else ""
        raise UsageError(f"no theorem{where} matches {what}; the environment has {len(theorems)} theorems")
    return found
