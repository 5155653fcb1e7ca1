"""Reads a Metamath database and checks every rule that does not concern proofs (Metamath book, 4.1 and 4.2).

What is refused although the reference program (0.195) lets it pass, because the specification forbids it: an inclusion
inside a block, a second active ``$f`` for a variable, a variable whose typecode differs between blocks, control
characters other than tab, line ends and form feed.
"""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from proofsearch_metamath.database.files import file_problem, read_bytes
from proofsearch_metamath.database.model import Assertion, Database, Essential, Floating, Symbols
from proofsearch_metamath.database.scopes import Scope
from proofsearch_metamath.database.tokens import Source, Statement, make_source, statements
from proofsearch_metamath.errors import ReadError

Progress = Callable[[int, int], None]
"""Called now and then with how much is done and how much there is in all."""

_REPORT_EVERY = 1000


def read_database(path: str | Path, *, progress: Progress | None = None) -> Database:
    """Reads a database and the files that it includes.

    An included file is looked for beside the file that includes it, then beside the top file. Proofs are kept as they
    stand; :mod:`proofsearch_metamath.proofs.verifier` checks them.

    Args:
        path: the top file; with a name in ``.gz`` it is unpacked.
        progress: called with the characters of the top file that are read and those there are.

    Raises:
        ReadError: the first rule of the specification that a file breaks, with its place.
    """
    # Millions of small objects that all stay: the cyclic collector would walk over them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _Reader(Path(path), progress).read()
    finally:
        if collecting:
            gc.enable()


@dataclass(slots=True)
class _File:
    """A file that is being read."""

    source: Source
    index: int
    statements: Iterator[Statement]


class _Reader:
    def __init__(self, path: Path, progress: Progress | None) -> None:
        self.top = path
        self.progress = progress
        self.assertions: dict[str, Assertion] = {}
        self.scope = Scope(self.assertions)
        self.database = Database(
            files=[],
            floats=self.scope.all_floats,
            essentials=self.scope.all_essentials,
            assertions=self.assertions,
            float_spans=self.scope.float_spans,
        )
        self.digest = hashlib.sha256()
        self.included: set[Path] = set()
        self.files: list[_File] = []
        self.source = Source(path, "", "")
        self.file = 0
        self.labels: set[str] = set()
        self.typecodes: dict[str, str] = {}
        self.shared_words: dict[str, str] = {}

    def read(self) -> Database:
        self._open(self.top)
        total = len(self.source.text)
        steps: dict[str, Callable[[Statement], None]] = {
            "c": self._constants,
            "v": self._variables,
            "f": self._floating,
            "e": self._essential,
            "d": self._disjoint,
            "a": self._axiom,
            "p": self._theorem,
            "{": self._begin,
            "}": self._end,
            "[": self._include,
        }
        count = 0
        while self.files:
            depth = len(self.files)
            file = self.files[-1]
            self.source, self.file = file.source, file.index
            for statement in file.statements:
                steps[statement.keyword](statement)
                if len(self.files) > depth:
                    break
                count += 1
                if self.progress is not None and depth == 1 and count % _REPORT_EVERY == 0:
                    self.progress(statement.end, total)
            else:
                self._close()
        if self.progress is not None:
            self.progress(total, total)
        self.database.sha256 = self.digest.hexdigest()
        return self.database

    def _open(self, path: Path) -> None:
        data = read_bytes(path)
        self.included.add(path.resolve())
        self.digest.update(data)
        self.source, self.file = make_source(path, data), len(self.database.files)
        self.database.files.append(path)
        self.files.append(_File(self.source, self.file, statements(self.source)))

    def _close(self) -> None:
        if self.scope.blocks:
            offset = self.scope.blocks[-1].offset
            raise self.source.error(offset, "unclosed-block", "the file ends inside this block; close it with $}")
        self.files.pop()

    def _include(self, statement: Statement) -> None:
        # Blocks can't span files, because inclusions inside of them are refused.
        if self.scope.blocks:
            message = "found $[ inside a block; an inclusion may stand only outside of ${ and $}"
            raise self.source.error(statement.start, "inclusion", message)
        if len(statement.words) != 1:
            message = f"found {len(statement.words)} words between $[ and $]; expected one file name without spaces"
            raise self.source.error(statement.start, "inclusion", message)
        beside = [folder / statement.words[0] for folder in (self.source.path.parent, self.top.parent)]
        troubles = {candidate: file_problem(candidate) for candidate in beside}
        path = next((candidate for candidate in beside if troubles[candidate] is None), None)
        if path is None:
            # Of the two places the one where there is something, if there is.
            found = next((candidate for candidate in beside if os.path.lexists(candidate)), beside[0])
            message = f"can't include {found}: {troubles[found]}; check the name, or put the file there"
            raise self._word_error(statement, 0, "missing-file", message)
        if path.resolve() not in self.included:
            self._open(path)

    def _begin(self, statement: Statement) -> None:
        self.scope.begin(self.source, statement.start)

    def _end(self, statement: Statement) -> None:
        if not self.scope.blocks:
            raise self.source.error(statement.start, "unopened-block", "found $} without a ${ before it; remove it")
        self.scope.end()

    def _constants(self, statement: Statement) -> None:
        if self.scope.blocks:
            message = "found $c inside a block; declare constants outside of ${ and $}"
            raise self.source.error(statement.start, "inner-constant", message)
        self._check_not_empty(statement)
        for index, symbol in enumerate(statement.words):
            self._check_new(statement, index)
            if symbol in self.database.variables:
                message = f"found the constant {symbol!r}, which is a variable elsewhere in the database; rename it"
                raise self._word_error(statement, index, "redeclared-symbol", message)
            self.database.constants.add(symbol)
            self.scope.active[symbol] = symbol

    def _variables(self, statement: Statement) -> None:
        self._check_not_empty(statement)
        for index, symbol in enumerate(statement.words):
            self._check_new(statement, index)
            self.database.variables.add(symbol)
            self.scope.add_variable(symbol)

    def _check_not_empty(self, statement: Statement) -> None:
        if not statement.words:
            message = f"found no symbol in this ${statement.keyword}; expected at least one"
            raise self.source.error(statement.start, "empty-declaration", message)

    def _check_new(self, statement: Statement, index: int) -> None:
        symbol = statement.words[index]
        if symbol in self.scope.active:
            what = "a constant" if symbol in self.database.constants else "an active variable"
            message = f"found the symbol {symbol!r}, which is {what} already; remove it"
            raise self._word_error(statement, index, "redeclared-symbol", message)
        if symbol in self.labels:
            message = f"found the symbol {symbol!r}, which is a label already; rename it"
            raise self._word_error(statement, index, "name-clash", message)

    def _new_label(self, statement: Statement) -> str:
        label = statement.label
        if label in self.labels:
            message = f"found the label {label!r} a second time; labels are unique in a database, rename it"
            raise self.source.error(statement.start, "duplicate-label", message)
        if label in self.database.constants or label in self.database.variables:
            message = f"found the label {label!r}, which is a symbol already; rename it"
            raise self.source.error(statement.start, "name-clash", message)
        self.labels.add(label)
        return label

    def _floating(self, statement: Statement) -> None:
        label = self._new_label(statement)
        if len(statement.words) != 2:
            message = f"found {len(statement.words)} symbols in a $f; expected a typecode and a variable"
            raise self.source.error(statement.start, "floating", message)
        typecode = self._typecode(statement)
        variable = self._symbol(statement, 1)
        if variable in self.database.constants:
            message = f"found the constant {variable!r}; expected a variable"
            raise self._word_error(statement, 1, "floating", message)
        if variable in self.scope.floats:
            other = self.scope.floats[variable][1].label
            message = f"the variable {variable!r} has an active $f already, {other!r}; remove one of them"
            raise self._word_error(statement, 1, "two-floats", message)
        known = self.typecodes.setdefault(variable, typecode)
        if known != typecode:
            message = (
                f"found the typecode {typecode!r} for the variable {variable!r}, which has {known!r} elsewhere in the "
                "database; rename the variable"
            )
            raise self._word_error(statement, 0, "typecode", message)
        self.scope.add_floating(Floating(label, typecode, variable))

    def _essential(self, statement: Statement) -> None:
        label = self._new_label(statement)
        expression, variables = self._expression(statement)
        self.scope.add_essential(Essential(label, expression), variables)

    def _disjoint(self, statement: Statement) -> None:
        words = statement.words
        if len(words) < 2:
            message = f"found {len(words)} symbols in a $d; expected at least two variables"
            raise self.source.error(statement.start, "disjoint", message)
        active, constants = self.scope.active, self.database.constants
        for index, word in enumerate(words):
            if word not in active:
                raise self._inactive(statement, index)
            if word in constants:
                message = f"found the constant {word!r} in a $d; expected a variable"
                raise self._word_error(statement, index, "disjoint", message)
        if len(set(words)) != len(words):
            index = next(index for index, word in enumerate(words) if word in words[:index])
            message = f"found {words[index]!r} twice in a $d; name each variable once"
            raise self._word_error(statement, index, "disjoint", message)
        self.scope.add_disjoint([active[word] for word in words])

    def _axiom(self, statement: Statement) -> None:
        self._assertion(statement)

    def _theorem(self, statement: Statement) -> None:
        if not statement.proof:
            message = "found no proof after $=; write one, or '?' for an unfinished one"
            raise self.source.error(self.source.code.index("$=", statement.body), "empty-proof", message)
        self._assertion(statement)

    def _assertion(self, statement: Statement) -> None:
        label = self._new_label(statement)
        expression, used = self._expression(statement)
        frame = self.scope.frame(used)
        assertions = self.assertions
        assertions[label] = Assertion(
            label=label,
            kind="p" if statement.keyword == "p" else "a",
            position=len(assertions),
            expression=expression,
            floats=frame.floats,
            essentials=frame.essentials,
            order=frame.order,
            disjoint=frame.disjoint,
            scope_disjoint=frame.scope_disjoint,
            proof=self._shared_proof(statement.proof),
            start=statement.start,
            end=statement.end,
            comment=self.source.comment_before(statement.start),
            file=self.file,
        )

    def _shared_proof(self, words: list[str]) -> tuple[str, ...]:
        """The words of a proof, with one string for each label; the letters of compressed proofs are rarely equal."""
        share = self.shared_words.setdefault
        end = words.index(")") if words and words[0] == "(" and ")" in words else len(words)
        return (*map(share, words[:end], words[:end]), *words[end:])

    def _expression(self, statement: Statement) -> tuple[Symbols, frozenset[str]]:
        """The checked expression of a ``$e``, ``$a`` or ``$p``, and its variables."""
        words = statement.words
        if not words:
            message = f"found no symbol in this ${statement.keyword}; expected a typecode"
            raise self.source.error(statement.start, "empty-expression", message)
        active = self.scope.active
        try:
            expression = tuple([active[word] for word in words])
        except KeyError:
            bad = next(index for index, word in enumerate(words) if word not in active)
            raise self._inactive(statement, bad) from None
        self._typecode(statement)
        variables = frozenset(expression).difference(self.database.constants)
        if not self.scope.floats.keys() >= variables:
            bad = next(i for i, s in enumerate(expression) if s in variables and s not in self.scope.floats)
            message = f"the variable {words[bad]!r} has no active $f; give its typecode with a $f before"
            raise self._word_error(statement, bad, "no-float", message)
        return expression, variables

    def _typecode(self, statement: Statement) -> str:
        symbol = self._symbol(statement, 0)
        if symbol not in self.database.constants:
            message = f"found the variable {symbol!r} as typecode; expected a constant"
            raise self._word_error(statement, 0, "typecode", message)
        return symbol

    def _symbol(self, statement: Statement, index: int) -> str:
        symbol = self.scope.active.get(statement.words[index])
        if symbol is None:
            raise self._inactive(statement, index)
        return symbol

    def _inactive(self, statement: Statement, index: int) -> ReadError:
        word = statement.words[index]
        reason = "declared only in another block" if word in self.database.variables else "not declared"
        message = f"found the symbol {word!r}, which is {reason}; declare it before with $c or $v"
        return self._word_error(statement, index, "inactive-symbol", message)

    def _word_error(self, statement: Statement, index: int, kind: str, message: str) -> ReadError:
        return self.source.error(self.source.word_offset(statement.body, index), kind, message)
