"""``proofsearch plugins new``: a package to begin from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from proofsearch.errors import UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.scaffold import Names, names_for, write_package
from proofsearch.process import streams
from proofsearch.protocols import Kind


def new_command(plugins: Plugins) -> Callable[..., None]:
    """The command, which knows what names are taken."""

    def new(
        name: Annotated[str, typer.Argument(metavar="NAME", help="What the component is called, such as my-idea.")],
        kind: Annotated[Kind, typer.Option("--kind", help="Its kind.", show_default=False)],
        out: Annotated[
            Path | None,
            typer.Option("--out", help="The folder to make.", show_default="proofsearch-<name>"),
        ] = None,
    ) -> None:
        """Write a plugin package that installs, is discovered, and passes its own tests."""
        names = names_for(name, kind)
        _refuse_taken(plugins, names, kind)
        folder = out or Path(names.distribution)
        for file in write_package(names, kind, folder):
            streams.output(folder / file)
        check = f"proofsearch plugins check {names.component} --kind {kind}"
        streams.output(
            f"\nthe {kind} {names.component!r} is in {folder}. Go on with:\n"
            f"  pip install -e '{folder}[dev]'\n"
            f"  {check}\n"
            f"  $EDITOR {folder}/src/{names.package}/{kind}.py"
        )

    return new


def _refuse_taken(plugins: Plugins, names: Names, kind: str) -> None:
    """Refuses a name that could not be installed beside what is."""
    kinds = (kind, "scorer") if kind == "trainer" else (kind,)
    taken = [entry for other in kinds for entry in plugins.registry(other) if entry.name == names.component]
    if taken:
        raise UsageError(
            f"there is a {taken[0].kind} {names.component!r} already, of the plugin {taken[0].plugin!r}; "
            f"choose another name"
        )
    if any(info.name == names.component for info in plugins.loaded):
        raise UsageError(f"a plugin {names.component!r} is installed already; choose another name")
