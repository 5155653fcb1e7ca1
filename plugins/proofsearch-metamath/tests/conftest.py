"""A small logic with sets, the shipped prefix, and environments over databases that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.environment import MetamathEnvironment

SMALL = """
$c wff setvar class |- ( ) -> A. = T. (/) $.
$v ph ps ch x y z A B C $.
wph $f wff ph $. wps $f wff ps $. wch $f wff ch $.
vx $f setvar x $. vy $f setvar y $. vz $f setvar z $.
cA $f class A $. cB $f class B $. cC $f class C $.
wi $a wff ( ph -> ps ) $.
wal $a wff A. x ph $.
cv $a class x $.
wceq $a wff A = B $.
weq $p wff x = y $= vx cv vy cv wceq $.
${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
${ gen.1 $e |- ph $. ax-gen $a |- A. x ph $. $}
${ $d x ph $. ax-5 $a |- ( ph -> A. x ph ) $. $}
ax-eq $a |- A = A $.
${ tr.1 $e |- A = B $. tr.2 $e |- B = C $. ax-tr $a |- A = C $. $}
${ $d x y $. ax-two $a |- A. x A. y ( x = y -> y = x ) $. $}
${ a1i.1 $e |- ph $.
   $( Weaken. $)
   a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}
${ a2i.1 $e |- ( ph -> ( ps -> ch ) ) $.
   a2i $p |- ( ( ph -> ps ) -> ( ph -> ch ) ) $= ( wi ax-2 ax-mp ) ABCEEABEACEEDABCFG $. $}
${ mpd.1 $e |- ( ph -> ps ) $. mpd.2 $e |- ( ph -> ( ps -> ch ) ) $.
   mpd $p |- ( ph -> ch ) $= ( wi a2i ax-mp ) ABFACFDABCEGH $. $}
${ syl.1 $e |- ( ph -> ps ) $. syl.2 $e |- ( ps -> ch ) $.
   syl $p |- ( ph -> ch ) $= ( wi a1i mpd ) ABCDBCFAEGH $. $}
id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $.
wtru $a wff T. $.
tru $a |- T. $.
c0 $a class (/) $.
a1tru $p |- ( ph -> T. ) $= wtru wph tru a1i $.
"""
"""Propositional logic, one quantifier and equality; ``T.``, its first formula without variables, comes late."""

Open = Callable[[str], MetamathEnvironment]


@pytest.fixture
def small() -> str:
    """The text of the small logic."""
    return SMALL


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the text of a database."""

    def write_text(text: str) -> Path:
        path = tmp_path / "small.mm"
        path.write_text(text)
        return path

    return write_text


@pytest.fixture
def opened(tmp_path: Path, write: Callable[[str], Path]) -> Open:
    """Opens an environment over the small logic with more text at its end."""

    def open_text(more: str = "", start: str = SMALL, **options: int) -> MetamathEnvironment:
        return MetamathEnvironment(MetamathConfig(database=write(start + more), **options), tmp_path / "cache")

    return open_text


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetamathEnvironment]:
    """The shipped database, prepared once."""
    yield MetamathEnvironment(MetamathConfig(), tmp_path_factory.mktemp("cache"))


@dataclass(frozen=True, slots=True)
class AxiomsUsed:
    """What some assertions ultimately rest on.

    Attributes:
        axioms: labels of the ``$a`` that assert something (axioms and definitions, not syntax).
        unproved: labels of theorems without a complete proof: with ``?``, or citing what is not before them.
    """

    axioms: frozenset[str]
    unproved: frozenset[str]


class AxiomIndex:
    """Answers what assertions of a database rest on, going once over its proofs.

    It believes the stored proofs; the verifier checks them. An axiom is syntax if its typecode is that of a ``$f``
    (``wff``, ``class``), so that ``|-`` is not wired in.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # For each assertion that asserts something, by position: a set of indices into `_grounds`, as bits.
        self._masks: list[int] = []
        self._grounds: list[Assertion] = []
        self._syntax = {floating.typecode for floating in database.floats.values()}

    def used(self, labels: Iterable[str]) -> AxiomsUsed:
        """What the assertions with these labels rest on, themselves included if they are axioms.

        Raises:
            KeyError: there is no assertion with such a label.
        """
        positions = [self._database.assertions[label].position for label in labels]
        if len(self._masks) < len(self._database.assertions):
            self._fill()
        mask = 0
        for position in positions:
            mask |= self._masks[position]
        grounds = [ground for index, ground in enumerate(self._grounds) if mask >> index & 1]
        return AxiomsUsed(
            frozenset([ground.label for ground in grounds if ground.kind == "a"]),
            frozenset([ground.label for ground in grounds if ground.kind == "p"]),
        )

    def _fill(self) -> None:
        database, masks = self._database, self._masks
        for assertion in list(database.assertions.values())[len(masks) :]:
            if assertion.kind == "a":
                masks.append(0 if assertion.typecode in self._syntax else self._ground(assertion))
                continue
            proof = assertion.proof
            labels = proof[1 : proof.index(")")] if proof[0] == "(" and ")" in proof else proof
            complete = not any("?" in token for token in proof)
            mask = 0
            for label in labels:
                cited = database.assertions.get(label)
                if cited is None:
                    complete = complete and (label in database.floats or label in database.essentials)
                elif cited.position < assertion.position:
                    mask |= masks[cited.position]
                else:
                    complete = False
            masks.append(mask if complete else mask | self._ground(assertion))

    def _ground(self, assertion: Assertion) -> int:
        self._grounds.append(assertion)
        return 1 << len(self._grounds) - 1


@pytest.fixture
def axiom_index() -> type[AxiomIndex]:
    """What proofs of a database rest on, by another way than the verifier's."""
    return AxiomIndex
