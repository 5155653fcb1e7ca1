"""A found proof as Metamath text: a ``$p`` statement, in a scope of its own where it needs dummy variables.

It takes the place of the theorem's own ``$p`` statement in the database, where the ``$e`` hypotheses stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from proofsearch_metamath.database.model import Assertion, Pair, Symbols
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.graph import format_proof

_COMMENT = re.compile(r"\$\(.*?\$\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProofText:
    """What the text says.

    Attributes:
        label, expression: the theorem.
        proof: the tokens between ``$=`` and ``$.``.
        disjoint: pairs of variables that the proof keeps apart beyond the theorem's own; each has a dummy.
    """

    label: str
    expression: Symbols
    proof: tuple[str, ...]
    disjoint: tuple[Pair, ...] = ()


def write_proof_text(text: ProofText) -> str:
    """The statement, ready to be pasted into the database in place of the theorem's own."""
    lines = [f"{text.label} $p {' '.join(text.expression)} $=", f"{format_proof(text.proof)} $."]
    if text.disjoint:
        pairs = [f"$d {one} {other} $." for one, other in text.disjoint]
        lines = ["${", *(f"  {pair}" for pair in pairs), *(f"  {line}" for line in lines), "$}"]
    return "\n".join(lines) + "\n"


def read_proof_text(text: str) -> ProofText:
    """Reads what :func:`write_proof_text` wrote; comments and line breaks don't matter.

    Raises:
        MetamathError: it is anything else.
    """
    tokens = _COMMENT.sub(" ", text).split()
    scoped = tokens[:1] == ["${"]
    if scoped:
        if tokens[-1:] != ["$}"]:
            raise MetamathError("the proof's text opens a scope with ${ and doesn't close it with $} at its end")
        tokens = tokens[1:-1]
    disjoint: list[Pair] = []
    while tokens[:1] == ["$d"]:
        end = _find(tokens, "$.")
        names = tokens[1:end]
        disjoint += [(one, other) for number, one in enumerate(names) for other in names[:number]]
        tokens = tokens[end + 1 :]
    if len(tokens) < 2 or tokens[1] != "$p":
        raise MetamathError(f"expected one statement `label $p … $= … $.`, found {' '.join(tokens[:3])!r}")
    equals, end = _find(tokens, "$="), _find(tokens, "$.")
    if not 2 < equals < end or end != len(tokens) - 1:
        raise MetamathError("expected one statement `label $p … $= … $.`, found more or less than one")
    return ProofText(tokens[0], tuple(tokens[2:equals]), tuple(tokens[equals + 1 : end]), tuple(disjoint))


def splice(text: str, frame: Assertion, proof: str) -> str:
    """A file's text with a theorem's statement replaced by a found proof.

    Args:
        text: the text of the file that the theorem is in; of several theorems of a file the last one comes first.
        frame: the theorem, with its offsets in the text.
        proof: what :func:`write_proof_text` wrote.
    """
    return f"{text[: frame.start]}{proof.strip()}{text[frame.end :]}"


def _find(tokens: list[str], wanted: str) -> int:
    try:
        return tokens.index(wanted)
    except ValueError:
        raise MetamathError(f"the proof's text has no {wanted!r}; is the file truncated?") from None
