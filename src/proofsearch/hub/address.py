"""Addresses on the Hugging Face hub: ``hf://USER/NAME``, with a revision and a folder where they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal
from urllib.parse import quote, unquote

from proofsearch.errors import InputError

SCHEME = "hf://"
"""How an address begins."""

Kind = Literal["model", "dataset"]
"""What a repository is: checkpoints are in one of a model, searches in one of a data set."""

FORM = "hf://USER/NAME[@REVISION][/FOLDER], or hf://datasets/USER/NAME… for a data set"
"""What an address looks like, for errors."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_ADDRESS = re.compile(
    rf"hf:/{{1,2}}(?P<kind>datasets/|models/)?(?P<repository>{_NAME}/{_NAME})"
    r"(?:@(?P<revision>refs/(?:pr|convert)/[^/@]+|[^/@]+))?(?:/(?P<folder>.+))?"
)
# Characters with a meaning in the patterns by which the hub's library chooses files are in no folder either.
_FOLDER = re.compile(r"[^\\*?\[\]\0]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is on the hub.

    Attributes:
        repository: ``"USER/NAME"``.
        kind: what the repository is.
        revision: a branch, a tag or a commit; ``None``: the branch ``main``.
        folder: a folder or a file in it, with ``/``; ``""``: the whole of it.
    """

    repository: str
    kind: Kind = "model"
    revision: str | None = None
    folder: str = ""

    @classmethod
    def parse(cls, text: str | PurePath) -> Address:
        """Reads an address; one slash is enough behind the colon, since paths keep no second.

        Raises:
            InputError: it is none, or its folder leaves the repository.
        """
        written = _written(text)
        match = _ADDRESS.fullmatch(written.rstrip("/"))
        if match is None:
            raise InputError(f"{written}: no address on the hub; expected {FORM}")
        folder = match["folder"] or ""
        if folder and (not _FOLDER.fullmatch(folder) or {"", ".", ".."} & set(folder.split("/"))):
            raise InputError(f"{written}: {folder!r} is no plain folder inside a repository; expected {FORM}")
        kind: Kind = "dataset" if match["kind"] == "datasets/" else "model"
        revision = match["revision"]
        return cls(match["repository"], kind, None if revision is None else unquote(revision), folder)

    def __str__(self) -> str:
        kind = "datasets/" if self.kind == "dataset" else ""
        revision = "" if self.revision is None else f"@{quote(self.revision, safe='')}"
        return f"{SCHEME}{kind}{self.repository}{revision}{self.folder and '/' + self.folder}"

    @property
    def is_pinned(self) -> bool:
        """Whether it says a commit, so that it always means the same."""
        return self.revision is not None and _COMMIT.fullmatch(self.revision) is not None

    def at(self, revision: str) -> Address:
        """The same at another revision."""
        return replace(self, revision=revision)


def is_address(value: object) -> bool:
    """Whether a text or a path is meant as an address on the hub."""
    if isinstance(value, PurePath):
        value = value.as_posix()
    return isinstance(value, str) and value.startswith("hf:/")


def _written(text: str | PurePath) -> str:
    """With both slashes behind the colon, of which a path keeps one."""
    written = text.as_posix() if isinstance(text, PurePath) else text
    return re.sub(r"^hf:/+", SCHEME, written)
