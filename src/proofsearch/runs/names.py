"""File names for theorems, whose own names may hold anything."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

MAX_LENGTH = 120
"""Longest file name, without suffixes, in bytes: half of what file systems allow."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9._-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|part-\d+)(\..*)?", re.IGNORECASE)
"""Windows' device names, and the merged trajectory files of a run folder."""


def safe_name(name: str) -> str:
    """A file name for a theorem: ``A-Z a-z 0-9 . _ -`` stay, every other byte of its UTF-8 becomes ``%XX``.

    Different names get different file names (long ones by a hash), but two may differ only in case; see
    :func:`safe_names`.
    """
    raw = name.encode("utf-8", "surrogatepass")
    text = _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")
    if not text:
        return "%"
    if text[0] in ".-" or _RESERVED.fullmatch(text):
        text = f"%{ord(text[0]):02X}{text[1:]}"
    if text[-1] == ".":
        text = f"{text[:-1]}%2E"
    return text if len(text) <= MAX_LENGTH else _with_hash(text, raw)


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for each theorem, such that no two are equal on a file system that ignores case.

    The result depends only on the set of names.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        groups[safe_name(name).casefold()].append(name)
    return {
        name: safe_name(name) if len(group) == 1 else _with_hash(safe_name(name), name.encode("utf-8", "surrogatepass"))
        for group in groups.values()
        for name in group
    }


def _with_hash(text: str, raw: bytes) -> str:
    # "~" never comes out of the encoding, so a hashed name can't equal an unhashed one.
    digest = hashlib.blake2b(raw, digest_size=8).hexdigest()
    return f"{text[: MAX_LENGTH - len(digest) - 1]}~{digest}"
