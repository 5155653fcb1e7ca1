"""The options of the environment ``lean``. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from proofsearch.config import ComponentConfig

STANDARD_AXIOMS = ("propext", "Classical.choice", "Quot.sound")
"""The axioms of Lean's own logic, which nearly every proof of Mathlib rests on."""


class LeanConfig(ComponentConfig):
    """Options of the environment ``lean``."""

    project: Path | None = Field(
        default=None, description="The folder of a Lake project, built; without it a plain Lean is used."
    )
    command: str | None = Field(
        default=None,
        description="The program lean, with arguments before its own if need be; default: that of the project "
        "(lake env lean), else lean on the path, else elan's.",
    )
    file: Path | None = Field(
        default=None, description="A .lean file, or a folder of them, whose theorems are searched."
    )
    theorems: Path | None = Field(default=None, description="A data set of theorems: .jsonl or .parquet.")
    only: Literal["auto", "all", "sorry"] = Field(
        default="auto",
        description="Which theorems of .lean files are searched: all, those whose proof is sorry, or auto: those, "
        "and all where there is none.",
    )
    held_out: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Share of the proved theorems that is held out where all are searched, by a hash of their names: "
        "half of it is the split test, half validation.",
    )
    header: str | None = Field(
        default=None,
        description="What stands before each theorem of a data set that brings no header, such as imports.",
    )
    transport: Literal["server", "repl"] = Field(
        default="server",
        description="How Lean is talked to: its language server, or the REPL through lean-interact "
        "(proofsearch-lean[repl]).",
    )
    repl: Path | None = Field(
        default=None,
        description="The folder of a built REPL, of the project's Lean version; for --lean-transport repl.",
    )
    timeout: float = Field(default=10.0, gt=0, description="Seconds that a tactic may run.")
    grace: float = Field(
        default=3.0,
        ge=0,
        description="Seconds after a time-out in which a worker of Lean has to be ready again, or is killed.",
    )
    start_timeout: float = Field(
        default=300.0,
        gt=0,
        description="Seconds for what comes before the first tactic: starting Lean, imports, earlier declarations.",
    )
    axioms: tuple[str, ...] = Field(
        default=STANDARD_AXIOMS, description="What a proof may rest on; whoever names some replaces these."
    )
    check_timeout: float = Field(default=300.0, gt=0, description="Seconds that the check of a found proof may take.")
    checker: Literal["none", "leanchecker", "safeverify", "comparator"] = Field(
        default="none", description="A second checker that each accepted proof has to pass as well."
    )
    checker_command: str | None = Field(
        default=None, description="How the second checker is called, where it isn't on the path under its own name."
    )
