"""Places in files: lines and columns, found again from offsets when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from proofsearch_metamath.database.files import read_bytes
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.database.tokens import Source, make_source
from proofsearch_metamath.errors import ReadError


class Place(NamedTuple):
    """A file with a 1-based line and column (in characters)."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def place(database: Database, assertion: Assertion) -> Place:
    """The place of an assertion's label; see :class:`Places` for many of them.

    Raises:
        ReadError: the file can't be read any more, or has changed.
    """
    return Places(database).place_of(assertion)


class Places:
    """Finds places in the files of a database; each file is read again once, at the first question about it.

    A :class:`~proofsearch_metamath.database.model.Database` keeps offsets only: the text of set.mm is 41 MB.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sources: dict[int, Source] = {}

    def place_of(self, assertion: Assertion) -> Place:
        """The place of an assertion's label.

        Raises:
            ReadError: the file can't be read any more, or has changed.
        """
        source = self._source(assertion)
        return Place(source.path, *source.line_and_column(assertion.start))

    def of_proof_token(self, assertion: Assertion, token: int, character: int = 0) -> Place:
        """The place of a character of the ``token``-th token (from 0) of an assertion's stored proof.

        Raises:
            ReadError: the file can't be read any more, or has changed.
        """
        source = self._source(assertion)
        begin = source.code.index("$=", assertion.start, assertion.end) + 2
        return Place(source.path, *source.line_and_column(source.word_offset(begin, token) + character))

    def _source(self, assertion: Assertion) -> Source:
        source = self._sources.get(assertion.file)
        if source is None:
            path = self._database.files[assertion.file]
            source = make_source(path, read_bytes(path))
            self._sources[assertion.file] = source
        found = source.code[assertion.start : assertion.end]
        if not found.startswith(assertion.label) or not found.endswith("$."):
            raise ReadError("the file has changed since it was read; read it again", source.path, kind="changed")
        return source
