"""Where what can be computed again is kept."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "PROOFSEARCH_CACHE_DIR"
"""Environment variable: the folder for what can be computed again."""


def cache_folder() -> Path:
    """``$PROOFSEARCH_CACHE_DIR``, else the user's cache folder of this platform. Not created."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("proofsearch", appauthor=False))
