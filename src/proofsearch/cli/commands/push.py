"""``proofsearch push``: publishes a checkpoint, or a run's searches, on the Hugging Face hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.cli.shared_options import ResultAsJson
from proofsearch.hub import Address
from proofsearch.plugins.discovery import Plugins
from proofsearch.process import streams
from proofsearch.publishing.push import Pushed, push

_FIELDS = ("path", "model")
"""The option of a scorer or a generator that takes a checkpoint: the first of these that it has."""


def add_to(app: typer.Typer, plugins: Plugins) -> None:
    """Adds the command."""

    def push_(
        source: Annotated[
            Path,
            typer.Argument(metavar="CHECKPOINT|RUN", help="A checkpoint folder, or a run folder.", show_default=False),
        ],
        address: Annotated[
            str,
            typer.Argument(
                metavar="HF://USER/NAME",
                help="Where to: hf://USER/NAME, or hf://USER/NAME@BRANCH/FOLDER.",
                show_default=False,
            ),
        ],
        licence: Annotated[
            str | None, typer.Option("--license", help="The licence that the card states, such as apache-2.0.")
        ] = None,
        private: Annotated[
            bool, typer.Option("--private", help="Make the repository a private one, if it isn't there yet.")
        ] = False,
        message: Annotated[
            str, typer.Option("--message", help="The message of the commit.", show_default="proofsearch push")
        ] = "",
        out: Annotated[
            Path | None,
            typer.Option("--out", help="Write into this folder what would be pushed, and push nothing."),
        ] = None,
        as_json: ResultAsJson = False,
    ) -> None:
        """Publish a checkpoint as a model, or a run's searches as a data set, on the Hugging Face hub.

        Each comes with a card that says what it is, what it was trained on and how it was measured.
        """
        pushed = push(
            source,
            Address.parse(address),
            option=_options(plugins),
            licence=licence,
            private=private,
            message=message,
            out=out,
        )
        streams.output(_json(pushed) if as_json else _text(pushed, out))

    app.command("push")(push_)


def _options(plugins: Plugins) -> dict[tuple[str, str], str]:
    """By kind and name, the option that takes a component's checkpoint."""
    return {
        (kind, entry.name): f"--{entry.name}-{field}"
        for kind in ("scorer", "generator")
        for entry in plugins.registry(kind)
        if entry.config is not None
        for field in reversed(_FIELDS)
        if field in entry.config.model_fields
    }


def _text(pushed: Pushed, out: Path | None) -> str:
    told = [f"the manifest tells places of this machine: {', '.join(pushed.places)}"] if pushed.places else []
    what = f"{len(pushed.files)} files of a {'data set' if pushed.kind == 'dataset' else 'model'}"
    if out is not None:
        return "\n".join([f"{what} are in {out}; nothing was pushed", *told])
    lines = [f"pushed {what} to {pushed.address}"]
    if pushed.option is not None:
        lines.append(f"use it with: {pushed.option} {pushed.address}")
    elif pushed.kind == "dataset":
        lines.append(f'load it with: datasets.load_dataset("{pushed.address.repository}", "steps")')
    return "\n".join([*lines, *told])


def _json(pushed: Pushed) -> str:
    values = {"kind": pushed.kind, "address": str(pushed.address), "files": list(pushed.files)}
    return json.dumps(values | {"option": pushed.option, "places": list(pushed.places)}, indent=2)
