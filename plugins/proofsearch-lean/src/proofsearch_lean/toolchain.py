"""Finding Lean: the program, the version, how a server and a fresh check are started."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import UsageError
from proofsearch.process.programs import run_command
from proofsearch_lean.config import LeanConfig

MINIMUM = (4, 20)
"""The oldest Lean that is taken; older language servers answer otherwise."""

RECOMMENDED = (4, 26)
"""The oldest Lean that elaborates tactic proofs step by step without known faults."""

_GET_LEAN = "get elan from https://lean-lang.org/install and run `elan default stable`"

_LAKEFILES = ("lakefile.toml", "lakefile.lean")

_VERSION = re.compile(r"\bversion ([0-9]+)\.([0-9]+)\.([^\s,)]+)")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A Lean that was found.

    Attributes:
        command: what starts ``lean`` with its arguments after it: ``("lake", "env", "lean")`` or the program alone.
        server: what starts the language server: ``("lake", "serve", "--")`` or ``(lean, "--server")``; options follow.
        folder: where both are started: the project's folder, else one that holds nothing of Lean's.
        version: as Lean says it, for example ``"4.35.0"``.
        origin: how it was found, for people: ``"lake env in DIR"``, ``"on the path"``, ``"--lean-command"``.
    """

    command: tuple[str, ...]
    server: tuple[str, ...]
    folder: Path
    version: str
    origin: str


def find_toolchain(config: LeanConfig) -> Toolchain:
    """Looks for Lean where the options say, and asks it for its version.

    Raises:
        UsageError: none was found, or what was found can't be used; the message says what to do.
    """
    # Without a project, Lean must not find one, nor a toolchain file, in the folder that the search happens to run in.
    folder = find_project(config.project) if config.project is not None else Path("/")
    if config.command is not None:
        command = chosen_program("--lean-command", config.command, "~/.elan/bin/lean")
        server, origin = (*command, "--server"), "--lean-command"
    elif config.project is not None:
        lake = find_program("lake")
        if lake is None:
            raise UsageError(
                f"no program lake was found, which --lean-project {config.project} needs; {_GET_LEAN}, "
                "or put the folder bin of a Lean on the path"
            )
        command, server, origin = (lake, "env", "lean"), (lake, "serve", "--"), f"lake env in {folder}"
    else:
        lean = find_program("lean")
        if lean is None:
            raise UsageError(
                "no Lean was found: there is no program lean on the path, and none of elan's; "
                f"{_GET_LEAN}, or give --lean-command or --lean-project"
            )
        command, server = (lean,), (lean, "--server")
        origin = "on the path" if shutil.which("lean") else "elan's"
    version = _version(command, folder, config.start_timeout)
    return Toolchain(tuple(command), server, folder, version, origin)


def find_program(name: str) -> str | None:
    """The path of ``lean``, ``lake`` or ``elan``: on the path, else where elan puts it; ``None`` where it isn't."""
    found = shutil.which(name)
    if found is None:
        home = Path(os.environ.get("ELAN_HOME") or Path.home() / ".elan")
        found = shutil.which(str(home / "bin" / name))
    return None if found is None else str(Path(found).absolute())


def number(version: str) -> tuple[int, int]:
    """The first two numbers of a version as Lean says it."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def chosen_program(option: str, text: str, example: str) -> tuple[str, ...]:
    """The words of a command that an option gives, with the program's whole path as the first.

    Args:
        option: its name.
        text: its value, as a shell takes it.
        example: of a value.

    Raises:
        UsageError: it can't be split into words, or there is no such program.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}; quote it as for a shell") from None
    program = shutil.which(Path(words[0]).expanduser()) if words else None
    if program is None:
        what = f"there is no program {words[0]!r}" if words else "it is empty"
        raise UsageError(f"{option} {text!r}: {what}; give the path of a program, for example {example}")
    return (str(Path(program).absolute()), *words[1:])


# -- projects ----------------------------------------------------------------------------------------------------


def find_project(folder: Path) -> Path:
    """A Lake project whose dependencies were fetched.

    Raises:
        UsageError: the folder isn't there or is no such project.
    """
    option = f"--lean-project {folder}"
    folder = folder.expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"{option}: {'a file, not a folder' if folder.exists() else 'there is no such folder'}")
    if not is_project(folder):
        above = next((parent for parent in folder.parents if is_project(parent)), None)
        hint = (
            f"; {above} has one, give that" if above else "; give the folder of a Lake project, or none for plain Lean"
        )
        raise UsageError(f"{option}: it holds neither {' nor '.join(_LAKEFILES)}{hint}")
    missing = missing_packages(folder)
    if missing:
        # Lake would begin to load them from the network, in the midst of a search.
        raise UsageError(
            f"{option}: its dependencies are missing: {', '.join(missing)}; run `lake exe cache get` (for Mathlib) "
            "and `lake build` in it"
        )
    return folder


def is_project(folder: Path) -> bool:
    """Whether a folder holds a Lake file."""
    return any((folder / name).is_file() for name in _LAKEFILES)


def missing_packages(project: Path) -> list[str]:
    """The dependencies in a project's manifest whose folder isn't there; none where there is no manifest."""
    try:
        manifest = json.loads((project / "lake-manifest.json").read_text())
        folder = project / (manifest.get("packagesDir") or ".lake/packages")
        names = [package["name"] for package in manifest["packages"] if package.get("type") == "git"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # that is Lake's to complain about
    return [str(name) for name in names if not (folder / str(name).strip("«»")).is_dir()]


def pinned_toolchain(project: Path) -> str:
    """What ``lean-toolchain`` of a project says, for example ``leanprover/lean4:v4.26.0``; ``""`` without one."""
    try:
        return (project / "lean-toolchain").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def advice(message: str, toolchain: Toolchain) -> str:
    """What to do about an error in a file's imports, as the end of a sentence; ``""`` for any other message.

    Args:
        message: what Lean said.
        toolchain: the Lean that said it.
    """
    in_project = is_project(toolchain.folder)
    build = f"run `lake build` in {toolchain.folder}"
    if re.search(r"unknown (module prefix|package)", message):
        if in_project:
            return f"; the project in {toolchain.folder} neither has nor requires that module"
        return "; give --lean-project, the folder of the Lake project that has that module"
    if "object file" in message and "does not exist" in message:
        return f"; the project isn't built: {build}" if in_project else "; that module isn't compiled"
    if re.search(r"incompatible header|failed to read file|\.olean", message):
        return f"; the module was compiled by another Lean than {toolchain.version}: {build}"
    return ""


# -- versions ----------------------------------------------------------------------------------------------------


def _version(command: tuple[str, ...], folder: Path, timeout: float) -> str:
    shown = shlex.join((*command, "--version"))
    try:
        done = run_command([*command, "--version"], folder, timeout)
    except OSError as error:
        raise UsageError(f"`{shown}` can't be started: {error.strerror or error}") from None
    if done.stopped:
        raise UsageError(
            f"`{shown}` gave no answer in {folder} within {timeout:g} s (--lean-start-timeout); elan may be loading a "
            "toolchain: run it once by hand"
        )
    said = done.last_words()
    if done.code:
        raise UsageError(f"`{shown}` failed in {folder}: {said or f'exit code {done.code}'}{_hint(said)}")
    found = _VERSION.search(done.output)
    if found is None or "lean" not in done.output.lower():
        raise UsageError(f"`{shown}` is no Lean: it said {said[-200:]!r}; give the program lean with --lean-command")
    version = ".".join(found.groups())
    if number(version) < MINIMUM:
        least = ".".join(map(str, MINIMUM))
        raise UsageError(
            f"Lean {version} is too old; {least} or newer is needed: install one (`elan default stable`), in a project "
            "by its file lean-toolchain and `lake update`"
        )
    return version


def _hint(said: str) -> str:
    if "no default toolchain" in said:
        return "; run `elan default stable`"
    if "toolchain" in said and ("download" in said or "not installed" in said):
        return "; elan couldn't get the toolchain that the file lean-toolchain asks for: `elan toolchain install` it"
    return "; run it by hand to see what it lacks"
