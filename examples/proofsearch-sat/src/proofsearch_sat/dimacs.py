"""Formulas of one's own, as DIMACS files."""

from __future__ import annotations

from pathlib import Path

from proofsearch.errors import InputError
from proofsearch_sat.families import Problem


def read_folder(folder: Path) -> list[Problem]:
    """The formulas in a folder, by the names of their files without ``.cnf``.

    Raises:
        InputError: there is no such folder, no such file in it, or one that is no formula.
    """
    files = sorted(folder.glob("*.cnf"))
    if not files:
        raise InputError(f"{folder}: no such folder, or it holds no file *.cnf; expected formulas in the format DIMACS")
    return [Problem(file.stem, str(file), _read(file)) for file in files]


def _read(file: Path) -> list[list[int]]:
    # Imported here: most runs read no file, and this takes longer than everything else.
    from pysat.formula import CNF

    try:
        clauses = [[int(literal) for literal in clause] for clause in CNF(from_file=str(file)).clauses]
    # PySAT's reader raises whatever Python does where a file is not what it expects.
    except Exception as error:
        raise InputError(f"{file}: not a formula in the format DIMACS: {type(error).__name__}: {error}") from None
    if not clauses:
        raise InputError(f"{file}: found no clause, expected a formula in the format DIMACS")
    return clauses
