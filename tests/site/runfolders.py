"""Run folders as earlier versions wrote them, or with other outcomes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from proofsearch.runs import RunFolder


def without_hashes(run: Path) -> None:
    """Makes a run one of the first versions, whose ``run.json`` had no hashes of the other files."""
    file = run / "run.json"
    header = json.loads(file.read_text())
    del header["sha256"]
    file.write_text(json.dumps(header))


def stopped_after(run: Path, path: Path, proved: Sequence[bool]) -> Path:
    """A run whose first theorems have been searched, with this outcome."""
    shutil.copytree(run, path)
    lines = {line["theorem"]: line for line in map(json.loads, (run / "results.jsonl").read_text().splitlines())}
    example = next(line for line in lines.values() if line["proved"])
    kept = []
    for theorem, succeeds in zip(RunFolder.open(run).theorems, proved, strict=False):
        line = lines[theorem.name] | {
            "status": "proved",
            "limit_hit": "",
            "verdict": example["verdict"],
            "proved": True,
        }
        if not succeeds:
            line |= {"status": "limit", "limit_hit": "expansions", "verdict": None, "proved": False, "proof_file": ""}
        kept.append(json.dumps(line) + "\n")
    (path / "results.jsonl").write_text("".join(kept))
    return path
