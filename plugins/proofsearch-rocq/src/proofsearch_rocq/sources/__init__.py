"""Lemmas out of ``.v`` files, of folders with a project file, and of the installed standard library."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import Lemma


def read_lemmas(config: RocqConfig, installation: Installation) -> Sequence[Lemma]:
    """Reads what the options name: each file behind those that it needs, its lemmas in their order.

    Raises:
        UsageError: there is nothing to read.
        InputError: a file is missing or malformed.
    """
    raise NotImplementedError
