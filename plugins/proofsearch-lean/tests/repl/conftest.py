"""A double of the REPL, for all tests of the transport."""

from __future__ import annotations

from pathlib import Path

import pytest
from lean_installation import Installation
from lean_repl import lay_out


@pytest.fixture(scope="session")
def repl(lean: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a REPL that is built."""
    pytest.importorskip("lean_interact", reason="lean-interact is not installed")
    return lay_out(lean, tmp_path_factory.mktemp("repl"))
