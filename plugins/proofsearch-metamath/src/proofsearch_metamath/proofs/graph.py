"""Proofs as graphs, and how they are written: normal, compressed, wrapped for pasting (Metamath book, appendix B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.errors import MetamathError
from proofsearch_metamath.proofs.compressed import TAG, decode, is_compressed, split_compressed
from proofsearch_metamath.proofs.faults import UnplacedError

_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True, eq=False)
class ProofNode:
    """A step of a proof, with the steps that prove its hypotheses.

    Nodes may be shared: a proof is a directed acyclic graph. They compare by identity, for a comparison of proofs as
    trees can take exponentially long.

    Attributes:
        label: of a hypothesis or an assertion.
        children: one for each mandatory hypothesis of the assertion, ``$f`` included, in ``Assertion.order``.
    """

    label: str
    children: tuple[ProofNode, ...] = ()


def encode_compressed(mandatory: Sequence[str], root: ProofNode) -> tuple[str, ...]:
    """A compressed proof, in which equal subproofs stand once.

    Args:
        mandatory: labels of the theorem's mandatory hypotheses, in ``Assertion.order``.
        root: the last step; equal subproofs need not be one object.

    Returns:
        The tokens: ``(``, labels, ``)`` and one word of letters; :func:`format_proof` breaks it.
    """
    order = _unique_postorder(root)
    uses = Counter(child for _, children in order for child in children)
    shared = {index for index, (_, children) in enumerate(order) if children and uses[index] > 1}
    # A label is written out once for each node, since equal nodes are one and steps without hypotheses get no tag.
    written = Counter[str]()
    for index, (label, children) in enumerate(order):
        written[label] += 1 if children else max(uses[index], 1)
    others = [label for label in written if label not in set(mandatory)]
    others.sort(key=lambda label: -written[label])  # the most frequent get the shortest numbers
    numbers = {label: number for number, label in enumerate([*mandatory, *others])}
    tags: dict[int, int] = {}
    letters: list[str] = []
    stack = [(len(order) - 1, False)]
    while stack:
        index, ready = stack.pop()
        label, children = order[index]
        if index in tags:
            letters.append(_code(tags[index]))
        elif ready or not children:
            letters.append(_code(numbers[label]))
            if index in shared:
                letters.append("Z")
                tags[index] = len(numbers) + len(tags)
        else:
            stack.append((index, True))
            stack.extend([(child, False) for child in reversed(children)])
    return "(", *others, ")", "".join(letters)


def proof_graph(database: Database, assertion: Assertion, proof: Sequence[str] | None = None) -> ProofNode:
    """The graph of a proof, stored or given, normal or compressed; what a tag refers to is one node.

    It checks only what it needs; see :func:`~proofsearch_metamath.proofs.verifier.verify_assertion` for the rest.

    Raises:
        MetamathError: the tokens are no proof.
    """
    tokens = assertion.proof if proof is None else proof
    try:
        if is_compressed(tokens):
            labels, letters = split_compressed(tokens)
            return _graph(database, [*assertion.order, *labels], decode(letters))
        distinct = {label: number for number, label in enumerate(dict.fromkeys(tokens))}
        return _graph(database, list(distinct), [distinct[token] for token in tokens])
    except UnplacedError as fault:
        message = f"in the proof of {assertion.label!r}: {fault.message}"
        raise MetamathError(message, database.files[assertion.file], kind=fault.kind) from None


def _graph(database: Database, labels: list[str], codes: list[int]) -> ProofNode:
    tagged: list[ProofNode] = []
    leaves: dict[str, ProofNode] = {}
    stack: list[ProofNode] = []
    for code in codes:
        if code == TAG:
            tagged.append(stack[-1])
            continue
        if code >= len(labels) + len(tagged):
            raise UnplacedError("number", f"found the step number {code + 1}, which has no meaning here; correct it")
        if code >= len(labels):
            stack.append(tagged[code - len(labels)])
            continue
        label = labels[code]
        assertion = database.assertions.get(label)
        if assertion is None and label not in database.floats and label not in database.essentials:
            raise UnplacedError("unknown-label", f"found {label!r}, which is no label of the database; correct it")
        arity = 0 if assertion is None else len(assertion.order)
        if arity > len(stack):
            raise UnplacedError("underflow", f"{label!r} takes {arity} hypotheses from the stack, found {len(stack)}")
        if arity:
            node = ProofNode(label, tuple(stack[-arity:]))
            del stack[-arity:]
        else:
            node = leaves.setdefault(label, ProofNode(label))
        stack.append(node)
    if len(stack) != 1:
        raise UnplacedError("leftover", f"the proof leaves {len(stack)} expressions on the stack; expected one")
    return stack[0]


def count_steps(database: Database, root: ProofNode, typecode: str) -> int:
    """How many different subproofs end in an assertion of a typecode, ``|-`` for what shows something."""
    shown = 0
    for label, _ in _unique_postorder(root):
        assertion = database.assertions.get(label)
        shown += assertion is not None and assertion.expression[0] == typecode
    return shown


def format_proof(tokens: Sequence[str], width: int = 79, indent: int = 6) -> str:
    """A proof's tokens in lines, each indented, for pasting between ``$=`` and ``$.``.

    Args:
        tokens: of a normal or compressed proof. The letters of a compressed proof are broken to fill the lines.
        width: the longest line, indentation included; only a longer label exceeds it.
        indent: the number of blanks before each line.

    Raises:
        ValueError: ``width`` leaves no room.
    """
    if indent < 0 or width <= indent:
        raise ValueError(f"a width of {width} leaves no room after an indentation of {indent}; make it wider")
    letters_from = len(tokens)
    if is_compressed(tokens) and ")" in tokens:
        letters_from = list(tokens).index(")") + 1
    lines: list[str] = []
    line = ""
    for index, token in enumerate(tokens):
        rest = token
        while rest:
            room = width - indent - (len(line) + 1 if line else 0)
            if len(rest) <= room or (not line and index < letters_from):
                line = f"{line} {rest}" if line else rest
                break
            if index >= letters_from and room > 0:
                line = f"{line} {rest[:room]}" if line else rest[:room]
                rest = rest[room:]
            lines.append(line)
            line = ""
    lines.append(line)
    return "\n".join(" " * indent + line for line in lines if line)


def _unique_postorder(root: ProofNode) -> list[tuple[str, tuple[int, ...]]]:
    """Each different subproof once, after its children, as its label and its children's indices; the root is last."""
    indices: dict[tuple[str, tuple[int, ...]], int] = {}
    index_of: dict[int, int] = {}  # by the identity of a node; the root keeps all of them alive
    stack = [root]
    while stack:
        node = stack[-1]
        missing = [child for child in node.children if id(child) not in index_of]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        key = (node.label, tuple([index_of[id(child)] for child in node.children]))
        index_of[id(node)] = indices.setdefault(key, len(indices))
    return list(indices)


def _code(number: int) -> str:
    """The letters of a number, from 0."""
    letters = chr(ord("A") + number % 20)
    number //= 20
    while number:
        number -= 1
        letters = chr(ord("U") + number % 5) + letters
        number //= 5
    return letters
