"""Importing the library of a tracker."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from proofsearch.errors import PluginError


def library(module: str, extra: str) -> Any:
    """Imports a module.

    Args:
        module: its name.
        extra: the extra of this package that brings it.

    Raises:
        PluginError: it isn't installed; the message says how to get it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PluginError(
            f"the observer {extra!r} needs the package {module.partition('.')[0]}, which can't be imported ({error}); "
            f"install it with: pip install 'proofsearch-trackers[{extra}]'"
        ) from None


def require(package: str, extra: str) -> None:
    """Refuses to begin without a package, which is not imported yet.

    Raises:
        PluginError: it isn't installed; the message says how to get it.
    """
    try:
        found = importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # one of the packages that it is in isn't there
        found = False
    if not found:
        raise PluginError(
            f"the observer {extra!r} needs the package {package}, which isn't installed; "
            f"install it with: pip install 'proofsearch-trackers[{extra}]'"
        )
