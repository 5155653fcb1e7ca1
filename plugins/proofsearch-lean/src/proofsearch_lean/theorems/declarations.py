"""The theorems of a Lean source: where each stands, what it is called, and where its proof begins and ends.

A command begins where its keyword leads a line. A theorem's statement ends at the ``:=`` outside of all brackets that
is not that of a ``let`` or ``have`` in it, or where equations (``| 0 => …``) or ``where`` begin; its proof ends where
the next command begins. ``example`` has no name by which it could be cited or audited, so it is no theorem here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from proofsearch_lean.theorems.scanner import CLOSING, OPENING, Token, tokens

THEOREMS = frozenset(("theorem", "lemma"))
_MODIFIER_WORDS = "private protected public noncomputable unsafe partial nonrec meta local scoped"
_PREFIX_WORDS = "open set_option omit include variable universe attribute unseal unlock"
_OTHER_WORDS = """
abbrev add_decl_doc alias assert_not_exists assert_not_imported axiom builtin_initialize class class_abbrev coinductive
compile_inductive declare_aesop_rule_sets declare_config_elab declare_simp_like_tactic declare_syntax_cat def deriving
elab elab_rules end example export extend_docs import inductive infix infixl infixr initialize instance
initialize_simps_projections irreducible_def library_note macro macro_rules module mutual namespace notation notation3
opaque postfix prefix prelude proof_wanted recall register_builtin_option register_option register_simp_attr run_cmd
run_elab run_meta section set_premise_selector simproc structure suppress_compilation syntax unif_hint
unsuppress_compilation
"""
_MODIFIERS = frozenset(_MODIFIER_WORDS.split())
_PREFIXES = frozenset(_PREFIX_WORDS.split())
"""Commands that may be put before another one with ``in``."""
_TACTICS_TOO = _PREFIXES - {"variable", "universe"}
"""These lead lines inside of proofs too; there they stand further right than the declaration."""
_COMMANDS = THEOREMS | _MODIFIERS | _PREFIXES | frozenset(_OTHER_WORDS.split())
_OWN_ASSIGNMENT = frozenset(("let", "have", "letI", "haveI", "let_fun"))
_OWN_ALTERNATIVES = frozenset(("match", "fun", "λ", "nomatch"))
_UNPROVED = frozenset(("sorry", "admit", "sorryAx"))

Ending = Literal["assigned", "equations", "absent"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """A theorem in a source.

    Attributes:
        name: its full name, namespaces included.
        start: the offset of its first modifier, attribute or ``set_option … in``, but behind its documentation where
            that comes first.
        keyword: the offset of ``theorem`` or ``lemma``.
        named: the offset behind its name and universes, where its binders begin.
        end: the offset just behind the statement.
        line: of the keyword, from 1.
        proof: the offsets of what stands behind ``:=``, or of the equations; empty where there is nothing.
        ending: what ends the statement.
        is_proved: whether there is a proof without ``sorry``.
        trouble: why it can't be searched for; ``""`` where nothing speaks against it.
    """

    name: str
    start: int
    keyword: int
    named: int
    end: int
    line: int
    proof: tuple[int, int]
    ending: Ending
    is_proved: bool
    trouble: str = ""


def declarations(source: str) -> list[Declaration]:
    """The theorems of a source, in order.

    Raises:
        ScanError: a comment or string has no end.
    """
    read = list(tokens(source))
    starts = _command_starts(read)
    scopes = _Scopes()
    found = []
    for begin, behind in pairwise([*starts, len(read)]):
        command = read[begin:behind]
        keyword = _keyword(command)
        word = command[keyword].text if keyword < len(command) else ""
        if word in THEOREMS and keyword + 1 < len(command):
            found.append(_declaration(source, command, keyword, scopes))
        else:
            scopes.follow([token.text for token in command[keyword:] if token.kind != "doc"])
    return found


class _Scopes:
    """The namespaces and sections that are open at a place, each part of a name on its own, as Lean has it."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []

    def follow(self, words: Sequence[str]) -> None:
        """Reads a command that may open or close some."""
        match words:
            case ["namespace" | "section" | "mutual" as kind, *rest]:
                self._open += [(kind, part) for part in _parts("".join(rest[:1]))]
            case ["end", *rest]:
                closed = len(_parts("".join(rest[:1])))
                del self._open[max(0, len(self._open) - closed) :]

    @property
    def is_mutual(self) -> bool:
        """Whether the place is between ``mutual`` and its ``end``."""
        return any(kind == "mutual" for kind, _ in self._open)

    def full(self, name: str) -> str:
        """The full name of what is declared here under a name."""
        if name.startswith("_root_."):
            return name.removeprefix("_root_.")
        return ".".join([*(part for kind, part in self._open if kind == "namespace"), name])


def _parts(name: str) -> list[str]:
    """The parts of a name; dots in ``«»`` divide nothing."""
    parts, inside = [""], False
    for character in name:
        inside = (inside or character == "«") and character != "»"
        if character == "." and not inside:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _command_starts(read: Sequence[Token]) -> list[int]:
    """The numbers of the tokens at which commands begin."""
    starts: list[int] = []
    number, column = 0, 0
    while number < len(read):
        if _begins(read, number, column if starts else None):
            starts.append(number)
            column = read[number].column
            number = _keyword(read, number)
        number += 1
    return starts


def _begins(read: Sequence[Token], number: int, column: int | None) -> bool:
    """Whether a command begins at a token; ``column`` is that of the command before it."""
    token = read[number]
    if not token.leads:
        return False
    attribute = token.text == "@" and number + 1 < len(read) and read[number + 1].text == "["
    if attribute or token.kind == "doc" or token.text == "#" or token.text in _TACTICS_TOO:
        return column is None or token.column <= column
    return token.kind == "name" and token.text in _COMMANDS


def _continues(read: Sequence[Token], number: int) -> bool:
    """Whether the prefix at a place (``open``, ``set_option``, …) ends with ``in``, so that a command follows it."""
    depth = 0
    for token in read[number + 1 :]:
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if depth <= 0 and token.text == "in":
            return True
        if depth <= 0 and token.leads and (token.kind == "doc" or token.text == "@" or token.text in _COMMANDS):
            return False
    return False


def _keyword(command: Sequence[Token], number: int = 0) -> int:
    """The number of the token that says what the command at ``number`` is, behind what may stand before that."""
    while number < len(command):
        token = command[number]
        if token.kind == "doc" or token.text in _MODIFIERS:
            number += 1
        elif token.text == "@" and number + 1 < len(command) and command[number + 1].text == "[":
            number = _behind_bracket(command, number + 1)
        elif token.text in _PREFIXES and _continues(command, number):
            number = _behind_prefix(command, number)
        else:
            break
    return number


def _behind_prefix(command: Sequence[Token], number: int) -> int:
    """The number of the token behind the ``in`` of the prefix at ``number``, which has one."""
    depth = 0
    while depth > 0 or command[number].text != "in":
        depth += (command[number].text in OPENING) - (command[number].text in CLOSING)
        number += 1
    return number + 1


def _behind_bracket(command: Sequence[Token], number: int) -> int:
    """The number of the token behind a bracket that opens at ``number``."""
    depth = 0
    while number < len(command):
        depth += (command[number].text in OPENING) - (command[number].text in CLOSING)
        number += 1
        if depth <= 0:
            break
    return number


def _declaration(source: str, command: Sequence[Token], keyword: int, scopes: _Scopes) -> Declaration:
    name = command[keyword + 1]
    place = keyword + 2
    named = name.end
    if [token.text for token in command[place : place + 2]] == [".", "{"] and command[place].start == name.end:
        place = _behind_bracket(command, place + 1)
        named = command[place - 1].end
    ends, ending = _statement_end(command, place)
    behind = ends + 1 if ending == "assigned" else ends
    proof = command[behind:]
    statement = command[place:ends]
    first = next(token for token in command if token.kind != "doc")
    proved = any(token.text not in ("by", "(", ")") for token in proof) and not _UNPROVED & {t.text for t in proof}
    trouble = ""
    if name.kind != "name":
        trouble = f"it has no name: found {name.text!r} behind {command[keyword].text!r}"
    elif scopes.is_mutual:
        trouble = "it stands in a mutual block, so it can't be cut off from what comes after it"
    elif _UNPROVED & {token.text for token in statement}:
        trouble = "its statement holds a sorry: fill it in"
    return Declaration(
        name=scopes.full(name.text),
        start=first.start,
        keyword=command[keyword].start,
        named=named,
        end=statement[-1].end if statement else named,
        line=source.count("\n", 0, command[keyword].start) + 1,
        proof=(proof[0].start, proof[-1].end) if proof else (command[ends - 1].end, command[ends - 1].end),
        ending=ending,
        is_proved=proved,
        trouble=trouble,
    )


def _statement_end(command: Sequence[Token], place: int) -> tuple[int, Ending]:
    """The number of the token that ends the statement which begins at ``place``."""
    depth, owed, alternatives = 0, 0, False
    bar: int | None = None
    for number in range(place, len(command)):
        text = command[number].text
        depth += (text in OPENING) - (text in CLOSING)
        if depth > 0:
            continue
        if text in _OWN_ASSIGNMENT:
            owed += 1
        elif text in _OWN_ALTERNATIVES:
            alternatives = True
        elif text == ":=":
            if owed == 0:
                return number, "assigned"
            owed -= 1
        elif text == "where":
            return number, "equations"
        elif text == "|" and not alternatives and (bar is None or (command[number].leads and not command[bar].leads)):
            bar = number  # the first one of equations, or a bracket of |x|
        elif text == "=>" and bar is not None and not alternatives:
            return bar, "equations"
    return len(command), "absent"


def prefixes(source: str, declaration: Declaration) -> str:
    """The ``open … in`` and their like before a declaration, without its attributes and modifiers."""
    before = source[declaration.start : declaration.keyword]
    read = list(tokens(before))
    found, number = "", 0
    while number < len(read):
        token = read[number]
        if token.text in _PREFIXES and _continues(read, number):
            behind = _behind_prefix(read, number)
            found += before[token.start : read[behind - 1].end] + "\n"
            number = behind
        else:
            number += 1
    return found
