"""Whether theorems were written for the Lean that searches for them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[\w.]+)?")


def version_in(toolchain: str) -> str:
    """The version in what a ``lean-toolchain`` file or a data set says; all of it where there is none."""
    found = _VERSION.search(toolchain)
    return found[0] if found else toolchain.strip()


def compare_versions(written_for: Mapping[str, int], version: str) -> tuple[str, bool]:
    """What to tell a person of the versions of Lean.

    Args:
        written_for: what the sources say they were written for, with the number of sources; empty where none says.
        version: of the Lean that searches.

    Returns:
        A sentence, ``""`` where no source says anything; and whether it is a warning: some were written for another
        Lean.
    """
    if not written_for:
        return "", False
    others = {name: count for name, count in written_for.items() if version_in(name) != version}
    if not others:
        return f"Lean {version}, for which the theorems were written", False
    listed = ", ".join(f"{name} ({count} of {sum(written_for.values())} sources)" for name, count in others.items())
    return (
        f"Lean {version} searches for theorems that were written for {listed}: some statements may not elaborate, or "
        f"mean something else; `proofsearch theorems --env lean --audit` says which don't",
        True,
    )
