"""The compiled implementation of terms, unification and steps, where it was built.

``pip install`` builds it where there is a C compiler, and leaves it out with a notice where there is none. Everything
works without it, several times slower, with the same results, but for the last bits of the ranker's logits.
"""

from __future__ import annotations

import os
from types import ModuleType

PLAIN_VARIABLE = "PROOFSEARCH_PLAIN_PYTHON"
"""An environment variable: where it is set and not empty, nothing compiled is used."""

MAX_TYPECODES = 64
"""The compiled unifier keeps sets of typecodes in one word; databases with more are searched without it."""


def native() -> ModuleType | None:
    """The compiled module; ``None`` where it wasn't built or isn't wanted."""
    if os.environ.get(PLAIN_VARIABLE):
        return None
    try:
        from proofsearch_metamath import _native
    except ImportError:
        return None
    return _native


def notice() -> str:
    """What a person should know who has no compiled part without having asked for that; ``""`` otherwise."""
    if os.environ.get(PLAIN_VARIABLE) or native() is not None:
        return ""
    return (
        "Metamath searches are several times slower than they could be, since nothing is compiled: "
        "install a C compiler and Python's headers, and install proofsearch-metamath again"
    )
