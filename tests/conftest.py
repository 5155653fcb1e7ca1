"""What the core's tests share."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "site"
"""Importable modules for tests: a prover, and workers for executors."""

# Worker processes get this process's path, so what tests hand to them can be imported there.
sys.path.insert(0, str(MODULES))

from fakehub import FakeHub, served, use  # noqa: E402
from installing import Site  # noqa: E402


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty folder for packages, on this process's path and on that of processes it starts."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = [path for path in [os.environ.get("PYTHONPATH")] if path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(MODULES), *before]))
    yield Site(folder)
    # Another test's package may have a module of the same name.
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def fake_prover(site: Site) -> Site:
    """The test prover installed as a plugin: environment and generator ``fake``, scorer ``small``."""
    site.install("fake-prover", {"fake": "fakeprover"})
    return site


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """An empty hub on this machine, and an empty cache."""
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed: pip install 'proofsearch[hub]'")
    with served() as hub:
        use(hub, str(tmp_path / "hub-cache"), monkeypatch)
        yield hub


_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test, so that none depends on what another or the user left; not made beforehand."""
    caches = tmp_path_factory.getbasetemp() / "caches"
    caches.mkdir(exist_ok=True)
    folder = caches / str(next(_NUMBERS))
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(folder))
    return folder
