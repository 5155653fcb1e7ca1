"""Lemmas out of ``.v`` files, of folders with a project file, and of the installed standard library."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch.errors import UsageError
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sources.library import library_files
from proofsearch_rocq.sources.order import in_order
from proofsearch_rocq.sources.project import files_at
from proofsearch_rocq.sources.statements import lemmas_of


def read_lemmas(config: RocqConfig, installation: Installation) -> Sequence[Lemma]:
    """Reads what the options name: each file behind those that it needs, its lemmas in their order.

    Raises:
        UsageError: there is nothing to read.
        InputError: a file is missing or malformed.
    """
    files = library_files(installation) if config.file is None else files_at(config.file)
    lemmas = [lemma for file in in_order(files) for lemma in lemmas_of(file, by_file=config.split == "file")]
    if not lemmas:
        raise UsageError(f"{config.file or 'the standard library'} states no lemma")
    return lemmas
