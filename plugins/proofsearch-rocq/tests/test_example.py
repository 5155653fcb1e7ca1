"""The example does as it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "rocq"


@pytest.mark.usefixtures("server")
def test_the_example_proves_and_checks(tmp_path: Path) -> None:
    program = tmp_path / "proofsearch"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proofsearch "$@"\n')
    program.chmod(0o755)
    settings = {"OUT": str(tmp_path / "run"), "EXPANSIONS": "8", "PROOFSEARCH": str(program)}
    done = subprocess.run(
        [EXAMPLE / "run.sh", "double_succ", "double_add"],
        env=os.environ | settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked: 2 axioms audited" in done.stdout + done.stderr
    assert done.stdout.count("\nProof.\n") == done.stdout.count("Qed.") == 2
