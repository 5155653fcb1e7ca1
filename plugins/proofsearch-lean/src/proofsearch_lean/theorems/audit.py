"""Which theorems can't be searched for, as Lean itself sees them.

A file is read once by a fresh process, with each statement a second time, as an axiom: what that rests on is what the
statement alone rests on, so a ``sorry`` there is one upstream, in a definition that the statement mentions. Rows of a
data set that have the same text before their theorems are put into one file, each in a namespace of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from proofsearch.process.programs import run_command
from proofsearch.types import Unusable
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.theorems.declarations import Declaration, prefixes
from proofsearch_lean.theorems.library import LeanLibrary
from proofsearch_lean.theorems.sources import Source
from proofsearch_lean.toolchain import Toolchain, advice
from proofsearch_lean.verification.reports import Message, read_messages

_NAME = "proofsearch_audit_"


@dataclass(frozen=True, slots=True)
class _Audited:
    """A theorem in the file that is given to Lean.

    Attributes:
        name: of the theorem.
        origin: where it stands, for people.
        axiom: what its statement is called as an axiom.
        begin, end: offsets of its statement in the file.
    """

    name: str
    origin: str
    axiom: str
    begin: int
    end: int


@dataclass(slots=True)
class _File:
    """The file that is given to Lean, as it grows.

    Attributes:
        label: what it was made from, for people.
        text: so far.
        audited: the theorems in it.
        own: stretches that come from the source, as (offset, length, line in the source); messages elsewhere are
            about what the audit added.
        shared: whether all that stands before a theorem counts for it: in a file, but not among rows.
        head: where what stands before all rows ends.
    """

    label: str
    text: str = ""
    audited: list[_Audited] = field(default_factory=list)
    own: list[tuple[int, int, int]] = field(default_factory=list)
    shared: bool = True
    head: int = 0

    def copy(self, source: str, begin: int, end: int) -> None:
        """Appends a stretch of a source."""
        self.own.append((len(self.text), end - begin, source.count("\n", 0, begin) + 1))
        self.text += source[begin:end]

    def add_axiom(self, source: str, found: Declaration) -> str:
        """Appends a statement as an axiom that says what it rests on; returns the axiom's name."""
        name = f"{_NAME}{len(self.audited)}"
        signature = source[found.named : found.end]
        self.text += f"{prefixes(source, found)}axiom _root_.{name}{signature}\n#print axioms _root_.{name}\n"
        return name


def audit(toolchain: Toolchain, config: LeanConfig, library: LeanLibrary, names: Collection[str]) -> Iterator[Unusable]:
    """Has Lean look into theorems of a library.

    Args:
        toolchain: the Lean that does.
        config: how long it may take: ``start_timeout`` for a file, and ``timeout`` for each theorem in it.
        library: where they are.
        names: of the theorems.

    Yields:
        Those that can't be searched for, file by file.
    """
    wanted = frozenset(names)
    for file in _files(library, wanted):
        yield from _examined(toolchain, config, file)


def _files(library: LeanLibrary, wanted: frozenset[str]) -> Iterator[_File]:
    rows: dict[str, _File] = {}
    for source, found in library.groups():
        chosen = [(name, declaration) for name, declaration in found if name in wanted]
        if not chosen:
            continue
        if source.name:
            before = source.text[: chosen[0][1].start]
            if before not in rows:
                rows[before] = _File(source.label, shared=False)
                rows[before].copy(before, 0, len(before))
                rows[before].head = len(before)
            _add_row(rows[before], source, *chosen[0])
        else:
            yield _whole(source, chosen)
    yield from rows.values()


def _whole(source: Source, chosen: Sequence[tuple[str, Declaration]]) -> _File:
    """A file with its theorems' statements as axioms before them."""
    file, place = _File(source.label), 0
    for name, found in chosen:
        file.copy(source.text, place, found.start)
        axiom = file.add_axiom(source.text, found)
        begin = len(file.text)
        file.copy(source.text, found.start, found.end)
        file.audited.append(_Audited(name, f"{source.label}:{found.line}", axiom, begin, len(file.text)))
        place = found.end
        if found.ending == "absent" or found.proof[0] == found.proof[1]:
            file.text += " := by sorry\n"
            place = max(found.end, found.proof[1])
    file.copy(source.text, place, len(source.text))
    return file


def _add_row(file: _File, source: Source, name: str, found: Declaration) -> None:
    """Appends a row's theorem, in a namespace of its own."""
    space = f"{_NAME}row_{len(file.audited)}"
    file.text += f"\nnamespace {space}\n"
    axiom = file.add_axiom(source.text, found)
    begin = len(file.text)
    file.copy(source.text, found.start, found.end)
    file.audited.append(_Audited(name, source.label, axiom, begin, len(file.text)))
    file.text += f" := by sorry\nend {space}\n"


def _examined(toolchain: Toolchain, config: LeanConfig, file: _File) -> Iterator[Unusable]:
    seconds = config.start_timeout + config.timeout * len(file.audited)
    with tempfile.TemporaryDirectory(prefix="proofsearch-lean-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "Audit.lean"
        path.write_text(file.text, encoding="utf-8")
        ended = run_command([*toolchain.command, "--json", str(path)], toolchain.folder, seconds)
    messages = read_messages(ended)
    trouble = ""
    if ended.stopped:
        trouble = f"Lean took more than {seconds:g} s to read {file.label}; raise --lean-start-timeout"
    elif messages is None:
        trouble = f"Lean said what can't be read: {ended.last_words()}"
    starts = [0, *accumulate(len(line) + 1 for line in file.text.split("\n"))]
    placed = [(starts[message.line - 1] + message.column, message) for message in messages or ()]
    resting = {
        found[1]
        for _, message in placed
        if message.severity == "information"
        and "sorryAx" in message.text
        and len(found := message.text.split("'", 2)) > 1
    }
    for theorem in file.audited:
        reason = trouble or _reason(toolchain, file, theorem, placed)
        if not reason and theorem.axiom in resting:
            reason = "its statement rests on a sorry before it: fill in the definition that is left open"
        if reason:
            yield Unusable(theorem.name, theorem.origin, reason)


def _reason(toolchain: Toolchain, file: _File, theorem: _Audited, messages: Sequence[tuple[int, Message]]) -> str:
    """Why errors stand in a theorem's way; ``""`` where none does."""
    for offset, message in messages:
        if message.severity != "error" or offset >= theorem.end:
            continue
        said = " ".join(message.text.split())[:300]
        if offset >= theorem.begin:
            return f"its statement doesn't elaborate: {said}"
        origin = _origin(file, offset)
        if origin is not None and (file.shared or offset < max(file.head, 1)):
            return f"what stands before it has an error, {origin}: {said}{advice(message.text, toolchain)}"
    return ""


def _origin(file: _File, offset: int) -> str | None:
    """The place in the source that an offset of the file comes from; ``None`` if the audit added what is there."""
    for begin, length, line in file.own:
        if begin <= offset < begin + max(length, 1):
            return f"{file.label}:{line + file.text.count(chr(10), begin, offset)}"
    return None
