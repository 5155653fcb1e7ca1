"""An extension of Griffe, which reads the docstrings for the reference: they are reStructuredText in small things."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import griffe

sys.path.insert(0, str(Path(__file__).parent))

from restructured import markdown


class Restructured(griffe.Extension):
    """Turns roles and tables of docstrings into Markdown before they are parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites an object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value, lambda name: _full_path(obj, name))


def _full_path(obj: griffe.Object, name: str) -> str | None:
    """What a name means where an object's docstring says it: an absolute path, or a name of its own scope."""
    if name.startswith("proofsearch"):
        return name
    try:
        return obj.resolve(name)
    except griffe.NameResolutionError:
        return None
