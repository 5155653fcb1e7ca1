"""Files of one's own: alone, or in a folder with the project file that says how they are called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import InputError, UsageError
from proofsearch.storage.texts import read_text
from proofsearch_rocq.lemmas import SourceFile

PROJECT_FILES = ("_RocqProject", "_CoqProject")
"""What a project file is called, the first that is found."""

_NAME = re.compile(r"[^\W\d][\w']*")


@dataclass(frozen=True, slots=True)
class Project:
    """A project file.

    Attributes:
        folder: where it stands.
        roots: folders and the logical names that they have, as ``-Q`` and ``-R`` give them.
        arguments: what every program of the prover gets.
        files: the ``.v`` files that it lists.
    """

    folder: Path
    roots: tuple[tuple[Path, str], ...] = ()
    arguments: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def read_project(path: Path) -> Project:
    """Reads a project file.

    Raises:
        InputError: it can't be read, or an option lacks what belongs to it.
    """
    folder = path.parent
    roots: list[tuple[Path, str]] = []
    arguments: list[str] = []
    files: list[Path] = []
    for number, line in enumerate(read_text(path, "a project file").split("\n"), start=1):
        try:
            words = iter(shlex.split(line, comments=True))
            for word in words:
                if word in ("-Q", "-R"):
                    place, name = (folder / next(words)).resolve(), next(words)
                    roots.append((place, name))
                    arguments += [word, str(place), name]
                elif word == "-I":
                    arguments += [word, str((folder / next(words)).resolve())]
                elif word == "-arg":
                    arguments += shlex.split(next(words))
                elif word.endswith(".v"):
                    files.append((folder / word).resolve())
        except (StopIteration, RuntimeError, ValueError):
            raise InputError(
                f"{path}:{number}: found {line.strip()!r}; expected -Q FOLDER NAME, -R FOLDER NAME, -I FOLDER, "
                "-arg FLAG or names of .v files"
            ) from None
    return Project(folder, tuple(roots), tuple(arguments), tuple(files))


def files_at(path: Path) -> Sequence[SourceFile]:
    """The file, or the files of the folder, that a path names.

    A file is one of the project whose project file stands in its folder or in one above. In a folder without a project
    file, all files are taken, and required by their paths from there.

    Raises:
        UsageError: there is no such file or folder, or no ``.v`` file in it.
        InputError: the project file is malformed, or lists a file that is missing.
    """
    path = path.expanduser().resolve()
    if path.is_dir():
        project = _project_in(path) or Project(path, ((path, ""),), ("-Q", str(path), ""))
        found = project.files or tuple(sorted(_below(path)))
        if not found:
            raise UsageError(f"--rocq-file {path}: there is no .v file in this folder")
        missing = [file for file in found if not file.is_file()]
        if missing:
            raise InputError(f"{path}: the project file lists {missing[0]}, which isn't there")
        return [_source(file, project) for file in found]
    if not path.is_file():
        raise UsageError(f"--rocq-file {path}: there is no such file or folder")
    if path.suffix != ".v" or not _NAME.fullmatch(path.stem):
        raise UsageError(f"--rocq-file {path}: expected a .v file whose name is an identifier, or a folder of them")
    projects = filter(None, map(_project_in, path.parents))
    return [_source(path, next(projects, Project(path.parent)))]


def _project_in(folder: Path) -> Project | None:
    return next((read_project(folder / name) for name in PROJECT_FILES if (folder / name).is_file()), None)


def _below(folder: Path) -> Iterator[Path]:
    """The .v files that can be required; hidden folders, such as those of version control, are left out."""
    for file in folder.rglob("*.v"):
        inside = file.relative_to(folder)
        if all(_NAME.fullmatch(part) for part in (*inside.parts[:-1], file.stem)):
            yield file


def _source(file: Path, project: Project) -> SourceFile:
    return SourceFile(file, _module(file, project), project.arguments)


def _module(file: Path, project: Project) -> str:
    """The logical name of a file; by the innermost folder that has a name."""
    inside = [(root, name) for root, name in project.roots if file.is_relative_to(root)]
    if not inside:
        return file.stem
    root, name = max(inside, key=lambda mapping: len(mapping[0].parts))
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join((*filter(None, name.split(".")), *parts))
