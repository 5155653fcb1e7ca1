"""What a plugin's diagnosis is made of: is a program there, a package, a device, an address.

Nothing is imported to find out whether it works: a library that takes seconds to load, or that crashes as it loads, is
asked in a process of its own.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from proofsearch.types import Finding

TIMEOUT = 120.0
"""Seconds after which a process that was asked is given up."""

_UNWANTED = frozenset({"dev", "doc", "docs", "test", "tests", "testing", "lint"})
"""Extras that are for those who work on a package."""


def program(what: str, name: str, *version: str, remedy: str, needed: bool = False) -> Finding:
    """Whether a program is installed.

    Args:
        what: what it is, for people.
        name: of the program.
        version: the arguments with which it says its version; none: it isn't asked.
        remedy: how to get it.
        needed: whether something can't be used without it.
    """
    path = shutil.which(name)
    if path is None:
        return Finding(what, "problem" if needed else "absent", f"no program {name!r} was found", remedy)
    if not version:
        return Finding(what, "found", path)
    try:
        done = subprocess.run(
            [path, *version], capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(what, "problem", f"{path} can't be run: {error}", remedy)
    said = (done.stdout or done.stderr).strip().splitlines()
    # Some say in the same line, further right, how to get help.
    return Finding(what, "found", f"{said[0].split('   ')[0].strip()} ({path})" if said else path)


def ask_python(code: str) -> dict[str, Any] | str:
    """Runs Python code in a process of its own, with this interpreter.

    Args:
        code: it assigns a dictionary of JSON values to ``found``.

    Returns:
        What it found; where it failed or crashed, a line that says how.
    """
    # What a library prints as it loads must not be taken for the answer.
    whole = f"import json, sys\n{code}\nprint('\\n' + json.dumps(found))"
    environment = os.environ | {"PYTHONWARNINGS": "ignore", "TOKENIZERS_PARALLELISM": "false"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", whole],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT:g} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode:
        return lines[-1] if lines else f"the process ended with code {done.returncode}"
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else "no answer"


def requirements(distribution: str) -> Iterator[Finding]:
    """Whether the packages that an installed distribution asks for are there, by its own metadata.

    Those of its extras are only missing where somebody wants them; extras for developers are left out.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    if not distribution:
        return  # a plugin that is a module of somebody's
    try:
        metadata = importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return
    there = 0
    missing: dict[str, list[str]] = {}
    for line in metadata.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # an installer has made sense of it somehow
        for extra in ("", *(metadata.metadata.get_all("Provides-Extra") or ())):
            marker = requirement.marker
            wanted = marker is None or marker.evaluate({"extra": extra})
            if not wanted or (extra and (marker is None or marker.evaluate({"extra": ""}))):
                continue
            lack = _lack(requirement)
            if not lack:
                there += not extra
            elif not extra:
                yield Finding(requirement.name, "problem", lack, f"pip install '{_plain(requirement)}'")
            elif extra not in _UNWANTED:
                missing.setdefault(extra, []).append(lack)
    if there:
        yield Finding("packages", "found", f"{there} that it needs")
    for extra, lacks in missing.items():
        yield Finding(f"extra {extra}", "absent", "; ".join(lacks), f"pip install '{distribution}[{extra}]'")


def _lack(requirement: Any) -> str:
    """What is wrong with an installed package; ``""`` where it is as required."""
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{requirement.name} is {version}, needed is {requirement.specifier}"


def _plain(requirement: Any) -> str:
    """Writes a requirement as pip takes it, without its marker."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"
