"""A proof as a person reads it: numbered steps, what each uses, its label and what it asserts."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch_metamath.database.model import Assertion, Database, Symbols
from proofsearch_metamath.proofs.graph import ProofNode, proof_graph
from proofsearch_metamath.syntax.grammar import PROVABLE


def explain(database: Database, assertion: Assertion, proof: Sequence[str]) -> str:
    """The steps that assert something, in order, as ``step  uses  label  expression``.

    The proof is taken to be right: :mod:`proofsearch_metamath.proofs.verifier` says whether it is.

    Raises:
        MetamathError: the tokens are no proof.
    """
    root = proof_graph(database, assertion, proof)
    expressions: dict[int, Symbols] = {}
    numbers: dict[Symbols, int] = {}
    rows: list[tuple[str, str, str, str]] = []
    pending = [root]
    while pending:
        node = pending[-1]
        waiting = [child for child in node.children if id(child) not in expressions]
        if waiting:
            pending.extend(reversed(waiting))
            continue
        pending.pop()
        if id(node) in expressions:
            continue
        expression, uses = _assert(database, node, expressions, numbers)
        expressions[id(node)] = expression
        if expression[0] == PROVABLE and expression not in numbers:
            numbers[expression] = len(numbers) + 1
            rows.append((str(len(numbers)), ",".join(map(str, uses)), node.label, " ".join(expression)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        f"{number:>{widths[0]}}  {uses:<{widths[1]}}  {label:<{widths[2]}}  {text}"
        for number, uses, label, text in rows
    ]
    return "\n".join(lines) + "\n"


def _assert(
    database: Database, node: ProofNode, expressions: dict[int, Symbols], numbers: dict[Symbols, int]
) -> tuple[Symbols, list[int]]:
    """What a step asserts, and the numbers of the steps that it uses."""
    floating = database.floats.get(node.label)
    if floating is not None:
        return (floating.typecode, floating.variable), []
    essential = database.essentials.get(node.label)
    if essential is not None:
        return essential.expression, []
    frame = database.assertions[node.label]
    names = {f.label: f.variable for f in frame.floats}
    values: dict[str, Symbols] = {}
    uses = []
    for label, child in zip(frame.order, node.children, strict=True):
        if label in names:
            values[names[label]] = expressions[id(child)][1:]
        else:
            uses.append(numbers[expressions[id(child)]])
    made: list[str] = []
    for symbol in frame.expression:
        made.extend(values.get(symbol, (symbol,)))
    return tuple(made), uses
