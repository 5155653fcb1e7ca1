"""What the tests of the Lean plugin share: a real Lean, where there is one to test with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Importable by worker processes as well, which get this process's path.
sys.path.insert(0, str(Path(__file__).parent / "site"))

from lean_installation import Installation, NoLeanError, install

REQUIRED = "PROOFSEARCH_REQUIRE_LEAN"
"""Environment variable: where it is set, as in ``.ci/run``, a Lean that is missing fails the tests."""


@pytest.fixture(scope="session")
def lean() -> Installation:
    """A real Lean with the small library of ``tests/library``."""
    try:
        return install()
    except NoLeanError as error:
        if os.environ.get(REQUIRED):
            pytest.fail(str(error))
        pytest.skip(str(error))
