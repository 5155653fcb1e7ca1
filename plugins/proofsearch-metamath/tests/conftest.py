"""A small logic with sets, the shipped prefix, and environments over databases that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proofsearch_metamath.config import MetamathConfig
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
