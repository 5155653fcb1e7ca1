"""Would catch: tests that are skipped in silence, and a run in CI that passes without them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

def test_that_runs():
    pass

@pytest.mark.parametrize("number", range(3))
def test_that_needs_something(number):
    pytest.skip("there is no something; pip install something")

def test_that_needs_a_module():
    pytest.importorskip("nowhere")
"""


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_what_is_skipped_is_said_once_and_fails_where_nothing_may_be(tmp_path: Path, required: str, code: int) -> None:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)],
        env=os.environ | {"PROOFSEARCH_REQUIRE_ALL": required},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "3 skipped: there is no something; pip install something\n" in done.stdout
    assert "1 skipped: could not import 'nowhere'" in done.stdout
    assert ("PROOFSEARCH_REQUIRE_ALL is set, so this run fails." in done.stdout) is bool(required)


def test_ci_skips_nothing() -> None:
    assert "PROOFSEARCH_REQUIRE_ALL=1 eval" in (ROOT / ".ci" / "run").read_text()
