"""Files with a lemma to be checked, and checks of proofs of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation, find_installation
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sources import read_lemmas
from proofsearch_rocq.verification import verify

from proofsearch import Verdict

Checked = Callable[..., Verdict]


@pytest.fixture(scope="session")
def installation(server: tuple[str, ...]) -> Installation:
    """The Rocq that checks."""
    return find_installation(RocqConfig())


@pytest.fixture
def lemmas(installation: Installation, tmp_path: Path) -> Callable[[str], dict[str, Lemma]]:
    """The lemmas of a text, which becomes a file, by their own names."""

    def read(text: str, name: str = "Written.v") -> dict[str, Lemma]:
        path = tmp_path / name
        path.write_text(text)
        return {lemma.short: lemma for lemma in read_lemmas(RocqConfig(file=path), installation)}

    return read


@pytest.fixture
def checked(installation: Installation) -> Checked:
    """Checks a text as a proof of a lemma."""

    def check(lemma: Lemma, proof: str, seconds: float = 600.0) -> Verdict:
        return verify(installation, RocqConfig(check_timeout=seconds), lemma, proof)

    return check
