"""What is read out of ``.v`` files: sentences, files, and lemmas with their proofs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from proofsearch.storage.texts import read_text
from proofsearch_rocq.sentences import Sentence, split_sentences

Ending = Literal["Qed", "Defined", "Admitted", "Abort", "Save", ""]
"""How a proof ends; ``""`` where the file ends before it, or the statement needs none."""


@dataclass(frozen=True)
class SourceFile:
    """A ``.v`` file.

    Attributes:
        path: where it is.
        module: its logical name, for example ``"Coq.Lists.List"``; the stem for a file alone.
        arguments: the load path and flags that every program gets for it: ``("-Q", "theories", "My", …)``, and
            ``-noinit`` for what the prelude itself is made of, lest the lemmas be known before they are proved.
    """

    path: Path
    module: str
    arguments: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """What is in it.

        Raises:
            InputError: it can't be read, or isn't UTF-8.
        """
        return read_text(self.path, "a .v file")

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """All of its sentences, in order."""
        return split_sentences(self.text)


@dataclass(frozen=True, slots=True)
class Lemma:
    """A lemma of a file, with its proof.

    Attributes:
        name: unique in the environment: the file's module, the modules it stands in, and its own name.
        short: its own name.
        file: where it stands.
        first: the index among the file's sentences of its statement; those before it are its prefix.
        last: the index of the sentence that ends its proof; −1 where nothing does.
        line: of the statement, from 1.
        statement: the sentence, from ``Lemma`` to its full stop.
        script: the sentences of its own proof, without ``Proof.`` and the ending.
        ending: how the proof ends.
        split: ``"train"``, ``"validation"``, ``"test"``, or ``""``.
    """

    name: str
    short: str
    file: SourceFile
    first: int
    last: int
    line: int
    statement: str
    script: tuple[str, ...]
    ending: Ending
    split: str = ""

    @property
    def prefix(self) -> tuple[Sentence, ...]:
        """The sentences before it."""
        return self.file.sentences[: self.first]
