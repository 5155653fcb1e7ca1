"""What the tests of the Lean plugin share: a real Lean, where there is one to test with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Importable by worker processes as well, which get this process's path.
sys.path.insert(0, str(Path(__file__).parent / "site"))

from lean_installation import Installation, NoLeanError, install
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.toolchain import Toolchain, find_toolchain

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


@pytest.fixture(scope="session")
def config(lean: Installation) -> LeanConfig:
    """Options that name this Lean, and leave time on a machine that does much else."""
    return LeanConfig(command=str(lean.lean), timeout=60, start_timeout=600, check_timeout=600)


@pytest.fixture(scope="session")
def toolchain(config: LeanConfig) -> Toolchain:
    """This Lean as the plugin finds it."""
    return find_toolchain(config)
