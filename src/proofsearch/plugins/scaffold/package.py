"""Writing a plugin package from the templates that come along.

A template is a file whose name ends with ``.template``, with places that :class:`string.Template` fills in. The folder
``common`` holds what every package has, a folder for each kind what is its own, and ``kind.toml`` there what the common
files say of it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from proofsearch.errors import StorageError, UsageError
from proofsearch.protocols import KINDS
from proofsearch.storage.outputs import check_folder

PREFIX = "proofsearch-"
"""What the names of plugin packages begin with."""

_SUFFIX = ".template"
_ABOUT = "kind.toml"
LONGEST = 24
"""Characters of a name at most: longer ones would break the lines of the templates."""

_DEV = ("mypy>=1.10", "pytest>=8", "ruff>=0.6")
"""What every package is tested with; its ``kind.toml`` may add to it."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called in a new package.

    Attributes:
        component: as it is registered, ``"my-idea"``.
        distribution: as it is installed, ``"proofsearch-my-idea"``.
        package: as it is imported, ``"proofsearch_my_idea"``.
        title: how its classes begin, ``"MyIdea"``.
        identifier: how its functions end, ``"my_idea"``.
    """

    component: str
    distribution: str
    package: str
    title: str
    identifier: str


def names_for(name: str, kind: str) -> Names:
    """What things are called in a package of that name.

    Args:
        name: of the component, or of its distribution, ``"my-idea"`` or ``"proofsearch-my-idea"``.
        kind: of the component; a class is not named ``MyScorerScorer``.

    Raises:
        UsageError: no name for a package, or an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"there are no components of the kind {kind!r}; there are: {', '.join(KINDS)}")
    component = name.removeprefix(PREFIX).replace("_", "-")
    if not _NAME.fullmatch(component) or len(component) > LONGEST:
        raise UsageError(
            f"{name!r} is no name for a plugin: expected lower-case letters, digits and dashes, such as my-idea, "
            f"beginning with a letter, at most {LONGEST} characters"
        )
    title = "".join(part.capitalize() for part in component.split("-"))
    title = title.removesuffix(kind.capitalize()) or title
    identifier = component.replace("-", "_")
    return Names(component, PREFIX + component, f"proofsearch_{identifier}", title, identifier)


def write_package(names: Names, kind: str, folder: Path) -> list[Path]:
    """Writes a package that installs, is discovered, and passes its own tests.

    Args:
        names: from :func:`names_for`.
        kind: of its component.
        folder: where; appears whole or not at all. Must not be there yet, or be empty.

    Returns:
        The files, relative to the folder, by name.

    Raises:
        UsageError: there is something already.
        StorageError: it can't be written.
    """
    check_folder(folder)
    templates = files("proofsearch.plugins.scaffold") / "templates"
    about = tomllib.loads((templates / kind / _ABOUT).read_text(encoding="utf-8"))
    values = _values(names, kind, about)
    contents = {
        Template(path).substitute(values): Template(text).substitute(values)
        for part in ("common", kind)
        for path, text in _templates(templates / part)
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            whole = Path(scratch) / "whole"
            for name, text in contents.items():
                file = whole / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            shutil.move(whole, folder)
    except OSError as error:
        raise StorageError(f"{folder}: can't be written: {error.strerror or error}") from error
    return sorted(map(Path, contents))


def _values(names: Names, kind: str, about: Mapping[str, object]) -> dict[str, str]:
    """What the templates have places for."""
    values = {
        "name": names.component,
        "distribution": names.distribution,
        "package": names.package,
        "title": names.title,
        "identifier": names.identifier,
        "kind": kind,
    }
    for key, common in (("dependencies", ("proofsearch>=0.1",)), ("dev", _DEV)):
        own = about.get(key, [])
        assert isinstance(own, list)
        values[key] = ", ".join(f'"{requirement}"' for requirement in sorted({*common, *own}))
    for key in ("summary", "about", "try_it", "check"):
        values[key] = Template(str(about[key]).strip()).substitute(values)
    return values


def _templates(folder: Traversable, inside: str = "") -> Iterator[tuple[str, str]]:
    """The templates in a folder by the name of what they make, a name that may itself have places to fill."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{inside}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield inside + entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")
