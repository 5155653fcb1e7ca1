"""The installed standard library."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch.errors import UsageError
from proofsearch_rocq.installation import REMEDY, Installation
from proofsearch_rocq.lemmas import SourceFile

_FIRST = "Init"
"""The folder of what the prelude is made of: it is read without the prelude."""


def library_files(installation: Installation) -> Sequence[SourceFile]:
    """The files of the standard library, by folder and name.

    Raises:
        UsageError: its sources aren't installed.
    """
    folder = installation.library
    found = sorted(folder.rglob("*.v")) if folder is not None else []
    if folder is None or not found:
        raise UsageError(
            f"the sources of Rocq {installation.version}'s standard library aren't installed; name a file or folder "
            f"with --rocq-file, or install them ({REMEDY})"
        )
    files = []
    for path in found:
        parts = path.relative_to(folder).with_suffix("").parts
        arguments = ("-noinit",) if parts[0] == _FIRST else ()
        files.append(SourceFile(path, ".".join((installation.root, *parts)), arguments))
    return files
