"""Proofs as texts: how a found one is written, and how the steps of a written one are read again."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sentences import split_sentences, without_comments

_FOCUS = re.compile(r"-+|\++|\*+|\}|(?:(?:\d+|\[\s*[^\W\d][\w']*\s*\])\s*:\s*)?\{")
"""Bullets and braces, which only say which goal is meant."""

_SELECTOR = re.compile(
    r"(?:all|!|\[\s*[^\W\d][\w']*\s*\]|\d+(?:\s*-\s*\d+)?(?:\s*,\s*\d+(?:\s*-\s*\d+)?)*)\s*:(?![=:])\s*"
)

UNSHELVE = "Unshelve."
"""Makes goals of what is left without a value: the one command that a proof may hold."""

_ENDS = re.compile(r"(?:Qed|Defined|Admitted|Abort|Save|Proof|End)\b")


def heading(lemma: Lemma) -> str:
    """The file up to the lemma, with its statement, as it stands there."""
    return lemma.file.text[: lemma.file.sentences[lemma.first].end]


def proof_text(lemma: Lemma, sentences: tuple[str, ...]) -> str:
    """The whole proof text of a path: the file up to the lemma, its statement, the sentences and ``Qed``.

    Args:
        lemma: what is proved.
        sentences: what stands between ``Proof.`` and ``Qed.``, each with its full stop.
    """
    steps = [f"  {without_comments(sentence)}\n" for sentence in sentences]
    return f"{heading(lemma)}\nProof.\n{''.join(steps)}Qed.\n"


def read_steps(lemma: Lemma, proof: str) -> Sequence[str]:
    """The steps of a written proof as they are given to the checker: bullets, braces and bracketed tactics.

    A bracketed tactic can be no command: between parentheses, ``Axiom`` and ``Admitted`` are no words of the language.
    Whatever a step does to end the parentheses, a comment or a string before its time ends the sentence elsewhere than
    it should, which the checker says.

    Raises:
        ValueError: it is no proof of the lemma; the message says why.
    """
    if any((ord(sign) < 32 and sign not in "\n\t") or "\ud800" <= sign <= "\udfff" for sign in proof):
        raise ValueError("it holds characters that are no text")
    before = heading(lemma)
    if not proof.startswith(before) or not proof[len(before) :][:1].isspace():
        raise ValueError("the file doesn't begin with what stands before the lemma in its source, and its statement")
    sentences = [sentence.text for sentence in split_sentences(proof[len(before) :])]
    if sentences[:1] != ["Proof."] or sentences[-1:] != ["Qed."] or len(sentences) < 2:
        raise ValueError("behind the statement, the file doesn't go from 'Proof.' to 'Qed.', its last sentence")
    return [_step(sentence) for sentence in sentences[1:-1]]


def _step(sentence: str) -> str:
    if sentence == UNSHELVE or _FOCUS.fullmatch(sentence):
        return sentence
    if _ENDS.match(sentence):
        raise ValueError(f"{sentence[:60]!r} is no step of a proof")
    if without_comments(sentence) != sentence:
        raise ValueError("a comment stands in a step")
    if not sentence.endswith(".") or sentence.endswith(".."):
        raise ValueError(f"{sentence[-60:]!r} ends without a full stop of its own")
    tactic = sentence[:-1]
    selector = _SELECTOR.match(tactic)
    at = selector.end() if selector is not None else 0
    return f"{tactic[:at]}({tactic[at:]})."
