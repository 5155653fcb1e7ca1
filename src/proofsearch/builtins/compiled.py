"""The compiled implementation of tree features and of the k-NN policy's look-up, where it was built.

``pip install`` builds it where there is a C compiler, and leaves it out with a notice where there is none. Everything
works without it, slower, with the very same results.
"""

from __future__ import annotations

import os
from types import ModuleType

PLAIN_VARIABLE = "PROOFSEARCH_PLAIN_PYTHON"
"""An environment variable: where it is set and not empty, nothing compiled is used."""


def native() -> ModuleType | None:
    """The compiled module; ``None`` where it wasn't built or isn't wanted."""
    if os.environ.get(PLAIN_VARIABLE):
        return None
    try:
        from proofsearch.builtins import _native
    except ImportError:
        return None
    return _native


def notice() -> str:
    """What a person should know who has no compiled part without having asked for that; ``""`` otherwise."""
    if os.environ.get(PLAIN_VARIABLE) or native() is not None:
        return ""
    return (
        "the policy knn is slower than it could be, since nothing is compiled: "
        "install a C compiler and Python's headers, and install proofsearch again"
    )
