"""Run folders as earlier versions wrote them."""

from __future__ import annotations

import json
from pathlib import Path


def without_hashes(run: Path) -> None:
    """Makes a run one of the first versions, whose ``run.json`` had no hashes of the other files."""
    file = run / "run.json"
    header = json.loads(file.read_text())
    del header["sha256"]
    file.write_text(json.dumps(header))
