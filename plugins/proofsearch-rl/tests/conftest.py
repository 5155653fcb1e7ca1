"""A prover that cheats, hangs and dies, installed for these tests, and servers of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from proofsearch_rl.client import Client
from proofsearch_rl.serving.background import Served, served
from proofsearch_rl.serving.settings import ServeSettings

from proofsearch import open_prover
from proofsearch.runs.prover import Prover

SITE = str(Path(__file__).parent / "site")
INSTALLED = str(Path(__file__).parent / "installed")

sys.path.insert(0, SITE)

PROVER = "rl-prover"
TIER = "axioms audited"


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    """Installs the prover, for worker processes too; other packages' tests don't find it."""
    with pytest.MonkeyPatch.context() as changed:
        changed.syspath_prepend(INSTALLED)
        before = [path for path in [os.environ.get("PYTHONPATH")] if path]
        changed.setenv("PYTHONPATH", os.pathsep.join([SITE, INSTALLED, *before]))
        yield


@pytest.fixture
def prover() -> Iterator[Prover]:
    """The prover of these tests, in this process."""
    with open_prover(PROVER, min_tier=TIER) as opened:
        yield opened


Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves the prover of these tests until the test ends; takes what settings are to be others."""
    with ExitStack() as open_servers:

        def begin(**settings: Any) -> Served:
            chosen = {"env": PROVER, "port": 0, "workers": 1} | settings
            return open_servers.enter_context(served(ServeSettings.model_validate(chosen)))

        yield begin


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    """A server for all tests of a file that need no other settings, with two workers. Each leaves it as it found it."""
    settings = ServeSettings.model_validate({"env": PROVER, "port": 0, "workers": 2})
    with served(settings) as at:
        yield at


@pytest.fixture
def connect() -> Iterator[Callable[[Served], Client]]:
    """Connects to a server until the test ends."""
    with ExitStack() as clients:
        yield lambda at: clients.enter_context(Client(at.url, at.token))
