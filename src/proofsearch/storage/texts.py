"""Text files that people write: configurations, lists of theorems, prompts."""

from __future__ import annotations

import codecs
from pathlib import Path

from proofsearch.errors import InputError


def read_text(file: Path, expected: str) -> str:
    """The text of a file in UTF-8, without the byte-order mark that editors of Windows put before it.

    Args:
        file: to read.
        expected: what should be there, for errors, such as ``"a TOML file"``.

    Raises:
        InputError: it can't be read, or is not UTF-8.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error.strerror or error}; expected {expected}") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{file}: is in UTF-16; expected {expected} in UTF-8, so save it as that")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 at byte {error.start}; expected {expected}") from None
