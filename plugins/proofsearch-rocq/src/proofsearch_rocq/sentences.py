"""A scanner of ``.v`` files: where sentences end, what is a comment, a string, a bullet."""

from __future__ import annotations

from proofsearch_rocq.lemmas import Sentence


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of a text, in order; comments between them belong to none."""
    raise NotImplementedError
