"""Would catch: an example that no longer does what its page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lean_installation import Installation
from lean_sessions import HANGS

EXAMPLE = Path(__file__).parents[3] / "examples" / "lean_k_nn"


def test_one_file_teaches_another(lean: Installation, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "proofsearch"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proofsearch "$@"\n')
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PROOFSEARCH_CACHE_DIR": str(tmp_path / "cache"),
        "LEAN": str(lean.lean),
        "OUT": str(tmp_path / "run"),
    }
    done = subprocess.run(
        ["sh", EXAMPLE / "run.sh"], env=environment, capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in (tmp_path / "run" / "results.jsonl").read_text().splitlines()]
    unproved = {result["theorem"] for result in results if result["status"] != "proved"}
    assert (len(results), unproved) == (9, {"unfounded"})
    assert "8 of 8 proofs accepted by Lean" in done.stdout
