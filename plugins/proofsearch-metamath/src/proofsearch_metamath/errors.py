"""What can be wrong with a Metamath database or proof, with its place."""

from __future__ import annotations

from pathlib import Path


class MetamathError(Exception):
    """Something in a database or a proof breaks the Metamath specification.

    ``str()`` gives ``FILE:LINE:COLUMN: message``; without a known line, ``FILE: message``.

    Attributes:
        message: what was found, what was expected and what to do.
        file: the file at fault, or ``None`` if no file is concerned.
        line, column: 1-based, the column in characters (a tab counts as one); 0 if unknown.
        kind: a short stable name of the rule that is broken, for example ``"unclosed-comment"``.
    """

    def __init__(
        self, message: str, file: Path | None = None, line: int = 0, column: int = 0, kind: str = "error"
    ) -> None:
        super().__init__(message, file, line, column, kind)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.kind = kind

    def __str__(self) -> str:
        if self.file is None:
            return self.message
        if self.line == 0:
            return f"{self.file}: {self.message}"
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ReadError(MetamathError):
    """A file can't be read as a Metamath database."""


class ProofError(MetamathError):
    """A proof does not prove its statement.

    Attributes:
        label: the theorem whose proof is at fault.
        step: 1-based number of the step at fault (tags, ``Z``, are no steps); 0 where no single step is at fault.
    """

    def __init__(
        self,
        message: str,
        file: Path | None = None,
        line: int = 0,
        column: int = 0,
        kind: str = "error",
        label: str = "",
        step: int = 0,
    ) -> None:
        super().__init__(message, file, line, column, kind)
        # The arguments of BaseException are what a pickled copy is rebuilt from, when a worker process raises.
        self.args = (message, file, line, column, kind, label, step)
        self.label = label
        self.step = step
