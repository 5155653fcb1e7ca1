"""A hub on this machine for the tests of what talks to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed: pip install 'proofsearch[hub]'")

from fakehub import FakeHub, served, use


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """An empty hub, and an empty cache."""
    with served() as hub:
        use(hub, str(tmp_path / "hub-cache"), monkeypatch)
        yield hub
