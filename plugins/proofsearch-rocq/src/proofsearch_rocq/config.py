"""The options of the environment ``rocq``. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from proofsearch.config import ComponentConfig


class RocqConfig(ComponentConfig):
    """Options of the environment ``rocq``."""

    file: Path | None = Field(
        default=None,
        description="A .v file, or a folder of them with its _CoqProject or _RocqProject; default: the installed "
        "standard library.",
    )
    split: Literal["file", "lemma"] = Field(
        default="file", description="Whether the fixed split assigns whole files or single lemmas."
    )
    command: Path | None = Field(
        default=None,
        description="The program coqidetop, beside which coqtop is looked for; default: that on the path. For "
        "--rocq-transport petanque, the program pet.",
    )
    transport: Literal["coqidetop", "petanque"] = Field(default="coqidetop", description="How the prover is talked to.")
    timeout: int = Field(default=2, ge=1, description="Whole seconds that a tactic may run.")
    grace: float = Field(
        default=1.0,
        gt=0,
        description="Seconds after a time-out in which the prover has to say so itself; then it is interrupted, and "
        "as much later killed.",
    )
    start_timeout: float = Field(
        default=300.0, gt=0, description="Seconds for what stands before a lemma in its file, imports included."
    )
    max_memory: float = Field(
        default=4.0, ge=0.5, description="Address space of a prover's process in GB; one that needs more fails."
    )
    max_state: int = Field(default=50_000, ge=100, description="States with a longer text than this are not made.")
    learn: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the files, the same ones each time, whose proofs are demonstrated to those who learn.",
    )
    max_demonstration: int = Field(default=200, ge=1, description="Library proofs with more steps are not replayed.")
    check_timeout: float = Field(default=600.0, gt=0, description="Seconds that the check of a found proof may take.")
