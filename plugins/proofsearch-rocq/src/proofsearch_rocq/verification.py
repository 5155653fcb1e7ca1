"""The check of a found proof, in a fresh process that shares nothing with the search."""

from __future__ import annotations

from proofsearch import Verdict
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import Lemma


def written(lemma: Lemma, sentences: tuple[str, ...]) -> str:
    """The whole proof text of a path: the file up to the lemma, its statement, the sentences and ``Qed``.

    Args:
        lemma: what is proved.
        sentences: what stands between ``Proof.`` and ``Qed.``, each with its full stop.
    """
    raise NotImplementedError


def verify(installation: Installation, config: RocqConfig, lemma: Lemma, proof: str) -> Verdict:
    """Checks a written proof.

    Args:
        installation: the Rocq that checks.
        config: the time-out.
        lemma: what has to be proved.
        proof: as :func:`written` makes it; anything else is refused, never an error.
    """
    raise NotImplementedError
