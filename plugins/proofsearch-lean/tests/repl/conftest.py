"""A double of the REPL, for all tests of the transport."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from lean_installation import Installation
from lean_repl import lay_out


@pytest.fixture(scope="session")
def repl(lean: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a REPL that is built."""
    if importlib.util.find_spec("lean_interact") is None:
        why = "lean-interact is not installed: pip install -r requirements-dev.txt"
        if os.environ.get("PROOFSEARCH_REQUIRE_LEAN"):
            pytest.fail(why)
        pytest.skip(why)
    return lay_out(lean, tmp_path_factory.mktemp("repl"))
