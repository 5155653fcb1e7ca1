"""The reader: what it makes of a database, and a corpus of broken ones with the place of each fault.

Each broken database has the mark ``¶`` where the error must point; the reference program must refuse it too, unless the
entry says that it is more lenient than the specification.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.database.model import Essential, Floating
from proofsearch_metamath.database.places import Places, place
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.database.tokens import make_source
from proofsearch_metamath.errors import ReadError

BASE = """$( A small logic. $)
$c wff |- ( ) -> $.
$v p q $.
wp $f wff p $. wq $f wff q $.
wi $a wff ( p -> q ) $.
${ mi $e |- p $. mj $e |- ( p -> q ) $. mp $a |- q $. $}
"""

LENIENT = "the reference is lenient"

# name: (kind, text with ¶ before the fault, LENIENT or "")
BROKEN: dict[str, tuple[str, str, str]] = {
    # characters and tokens
    "byte order mark": ("character", "¶\ufeff" + BASE, ""),
    "not ASCII in a comment": ("character", BASE + "$( caf¶é $)\n", ""),
    "not ASCII in a symbol": ("character", BASE + "$c ¶∈ $.\n", ""),
    "vertical tab": ("character", BASE + "$c¶\x0bx $.\n", LENIENT),
    "control character": ("character", BASE + "¶\x1c\n", ""),
    "delete": ("character", BASE + "$( ¶\x7f $)\n", ""),
    "symbol with a dollar": ("token", BASE + "$c ¶a$b $.\n", ""),
    "keyword glued before": ("token", BASE + "x $a wff ¶p$.\n", ""),
    "keyword glued after": ("token", BASE + "x ¶$awff p $.\n", ""),
    "unknown keyword": ("token", BASE + "¶$q\n", ""),
    "double dollar": ("token", BASE + "¶$$ $.\n", ""),
    # comments
    "unclosed comment": ("unclosed-comment", BASE + "\n  ¶$( abc\n", ""),
    "nested comment": ("nested-comment", BASE + "$( a ¶$( b $)\n", ""),
    "opener inside a word of a comment": ("nested-comment", BASE + "$( a x¶$( b $)\n", ""),
    "closer inside a word": ("token", BASE + "$( a x¶$) b $)\n", ""),
    "comment opener glued": ("token", BASE + "¶$(a $)\n", ""),
    "comment closer glued": ("token", BASE + "$( a ¶$)b\n", ""),
    "comment glued before": ("token", BASE + "$c x¶$( a $) $.\n", ""),
    "closer alone": ("token", BASE + "¶$)\n", ""),
    # statements
    "cut after a label": ("truncated", BASE + "¶t", ""),
    "cut after two labels": ("truncated", BASE + "¶t u", ""),
    "cut after a dollar": ("truncated", BASE + "¶$", ""),
    "cut in a declaration": ("truncated", BASE + "¶$c x", ""),
    "cut in an axiom": ("truncated", BASE + "¶t $a wff p", ""),
    "cut before a proof": ("truncated", BASE + "¶t $p wff p", ""),
    "cut in a proof": ("truncated", BASE + "¶t $p wff p $= wp\n", ""),
    "cut in an inclusion": ("truncated", BASE + "¶$[ x.mm", ""),
    "cut in a block": ("unclosed-block", BASE + "${ $} ¶${ x $e |- p $. ${ $}\n", ""),
    "statement in a statement": ("unclosed-statement", BASE + "$c x\n ¶$v y $.\n", ""),
    "proof of an axiom": ("unclosed-statement", BASE + "t $a wff p ¶$= wp $.\n", ""),
    "closer without a statement": ("stray-keyword", BASE + "¶$.\n", ""),
    "proof without a statement": ("stray-keyword", BASE + "¶$= wp $.\n", ""),
    "end of inclusion alone": ("stray-keyword", BASE + "¶$]\n", ""),
    "label before $c": ("stray-word", BASE + "¶lab $c x $.\n", ""),
    "label before ${": ("stray-word", BASE + "¶lab ${ $}\n", ""),
    "two labels": ("stray-word", BASE + "a ¶b $a wff p $.\n", ""),
    "no label": ("no-label", BASE + "¶$a wff p $.\n", ""),
    "no proof": ("no-proof", BASE + "t $p |- p ¶$.\n", ""),
    "empty proof": ("empty-proof", BASE + "t $p |- p ¶$= $( none $) $.\n", ""),
    "label with a star": ("label", BASE + "¶a*b $a wff p $.\n", ""),
    "label with a parenthesis": ("label", BASE + "¶(a) $a wff p $.\n", ""),
    # blocks
    "closing too much": ("unopened-block", BASE + "${ $} ¶$}\n", ""),
    "constant in a block": ("inner-constant", BASE + "${ ¶$c x $. $}\n", ""),
    # declarations
    "empty $c": ("empty-declaration", BASE + "¶$c $.\n", ""),
    "empty $v": ("empty-declaration", BASE + "¶$v $.\n", ""),
    "constant twice": ("redeclared-symbol", BASE + "$c x ¶wff $.\n", ""),
    "constant twice in one statement": ("redeclared-symbol", BASE + "$c x ¶x $.\n", ""),
    "variable twice": ("redeclared-symbol", BASE + "${ $v r ¶p $. $}\n", ""),
    "constant then variable": ("redeclared-symbol", BASE + "$v ¶wff $.\n", ""),
    "variable then constant": ("redeclared-symbol", BASE + "$c ¶p $.\n", ""),
    "inactive variable then constant": ("redeclared-symbol", BASE + "${ $v r $. $}\n$c ¶r $.\n", ""),
    "constant like a label": ("name-clash", BASE + "$c ¶wi $.\n", ""),
    "variable like a label": ("name-clash", BASE + "$v ¶mi $.\n", ""),
    "label like a variable": ("name-clash", BASE + "¶p $a |- p $.\n", ""),
    "label like a constant": ("name-clash", BASE + "¶wff $a |- p $.\n", ""),
    "label like an inactive variable": ("name-clash", BASE + "${ $v r $. $}\n¶r $a |- p $.\n", ""),
    "label twice": ("duplicate-label", BASE + "¶wi $a wff p $.\n", ""),
    "label of an inactive hypothesis": ("duplicate-label", BASE + "¶mi $a |- p $.\n", ""),
    "label of a $f": ("duplicate-label", BASE + "${ ¶wp $e |- p $. $}\n", ""),
    # hypotheses
    "$f with one symbol": ("floating", BASE + "$v r $. ¶wr $f wff $.\n", ""),
    "$f with three symbols": ("floating", BASE + "$v r $. ¶wr $f wff r r $.\n", ""),
    "$f of a constant": ("floating", BASE + "wr $f wff ¶-> $.\n", ""),
    "$f with a variable as typecode": ("typecode", BASE + "$v r $. wr $f ¶p r $.\n", ""),
    "$f of an inactive variable": ("inactive-symbol", BASE + "${ $v r $. $} wr $f wff ¶r $.\n", ""),
    "two $f": ("two-floats", BASE + "w2 $f wff ¶p $.\n", LENIENT),
    "another typecode elsewhere": (
        "typecode",
        BASE + "$c class $. ${ $v r $. wr $f wff r $. $}\n${ $v r $. cr $f ¶class r $. $}\n",
        LENIENT,
    ),
    "$e with a variable as typecode": ("typecode", BASE + "x $e ¶p q $.\n", ""),
    "empty $e": ("empty-expression", BASE + "¶x $e $.\n", ""),
    "$e with an unknown symbol": ("inactive-symbol", BASE + "x $e |- ( p -> ¶zz ) $.\n", ""),
    # assertions
    "axiom with a variable as typecode": ("typecode", BASE + "x $a ¶p $.\n", ""),
    "axiom with an unknown typecode": ("inactive-symbol", BASE + "x $a ¶zz p $.\n", ""),
    "empty axiom": ("empty-expression", BASE + "¶x $a $.\n", ""),
    "empty theorem": ("empty-expression", BASE + "¶x $p $= wp $.\n", ""),
    "axiom with an unknown symbol": ("inactive-symbol", BASE + "x $a |- ( p $( zz $)\n -> ¶zz ) $.\n", ""),
    "axiom with an inactive variable": ("inactive-symbol", BASE + "${ $v r $. $}\nx $a |- ( p -> ¶r ) $.\n", ""),
    "variable without a $f": ("no-float", BASE + "$v r $.\nx $a |- ( p -> ¶r ) $.\n", ""),
    "variable whose $f is inactive": ("no-float", BASE + "$v r $. ${ wr $f wff r $. $}\nx $a |- ¶r $.\n", ""),
    # $d
    "empty $d": ("disjoint", BASE + "¶$d $.\n", ""),
    "$d of one variable": ("disjoint", BASE + "¶$d p $.\n", ""),
    "$d of a variable and itself": ("disjoint", BASE + "$d p q ¶p $.\n", ""),
    "$d of a constant": ("disjoint", BASE + "$d p ¶wff $.\n", ""),
    "$d of an unknown symbol": ("inactive-symbol", BASE + "$d p ¶zz $.\n", ""),
    "$d of an inactive variable": ("inactive-symbol", BASE + "${ $v r $. $}\n$d p ¶r $.\n", ""),
    "known $d of an inactive variable": (
        "inactive-symbol",
        BASE + "${ $v r $. $d p r $. $}\n$d p ¶r $.\n",
        "",
    ),
    # inclusions
    "missing file": ("missing-file", BASE + "$[ ¶nowhere.mm $]\n", ""),
    "inclusion in a block": ("inclusion", BASE + "${ ¶$[ more.mm $] $}\n", LENIENT),
    "inclusion in an axiom": ("inclusion", BASE + "x $a ¶$[ more.mm $] wff p $.\n", ""),
    "inclusion after a label": ("stray-word", BASE + "¶x $[ more.mm $] $a wff p $.\n", ""),
    "inclusion of two names": ("inclusion", BASE + "¶$[ more.mm more.mm $]\n", ""),
    "inclusion of nothing": ("inclusion", BASE + "¶$[ $]\n", ""),
}

reference = shutil.which("metamath")


def write(folder: Path, text: str, name: str = "it.mm") -> tuple[Path, int, int]:
    """Writes a text without its mark, with the mark's line and column."""
    before, mark, after = text.partition("¶")
    path = folder / name
    path.write_bytes((before + after).encode())
    line = re.sub(r"\r\n?", "\n", before) if mark else ""
    return path, line.count("\n") + 1, len(line) - line.rfind("\n")


def reference_accepts(path: Path) -> bool:
    """Whether the reference program reads and verifies a database."""
    assert reference is not None
    command = [reference, f'read "{path.name}"', "verify proof *", "exit"]
    run = subprocess.run(command, cwd=path.parent, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    output = run.stdout.decode("latin-1")
    return "No errors were found" in output and not re.search(r"^\?.*(Error|BUG|Missing)", output, re.MULTILINE)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_database_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    kind, text, _ = BROKEN[name]
    (tmp_path / "more.mm").write_text("more $a wff q $.\n")
    path, line, column = write(tmp_path, text)
    with pytest.raises(ReadError) as caught:
        read_database(path)
    error = caught.value
    assert (error.kind, error.line, error.column) == (kind, line, column), str(error)
    assert str(error) == f"{path}:{line}:{column}: {error.message}"


@pytest.mark.skipif(reference is None, reason="no reference program; apt-get install metamath")
@pytest.mark.parametrize("name", BROKEN)
def test_reference_refuses_what_we_refuse(name: str, tmp_path: Path) -> None:
    _, text, lenient = BROKEN[name]
    (tmp_path / "more.mm").write_text("more $a wff q $.\n")
    path, _, _ = write(tmp_path, text)
    # An entry that the reference has come to refuse need not be called lenient any more: both ways must hold.
    assert reference_accepts(path) == bool(lenient)


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize("name", ["unclosed comment", "axiom with an unknown symbol", "statement in a statement"])
def test_place_with_other_line_ends(name: str, end: str, tmp_path: Path) -> None:
    kind, text, _ = BROKEN[name]
    path, line, column = write(tmp_path, text.replace("\n", end))
    with pytest.raises(ReadError) as caught:
        read_database(path)
    assert (caught.value.kind, caught.value.line, caught.value.column) == (kind, line, column)


def test_top_file_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"absent\.mm: can't read the file: no such file") as caught:
        read_database(tmp_path / "absent.mm")
    assert caught.value.line == 0


WHOLE = """$( Header. $)
$c wff |- ( ) -> A. set = $.
$v p q $.
wq $f wff q $.
wp $f wff p $.
$( Implication. $)
wi $a wff ( p -> q ) $.
$( Not this one. $)
$v x y z $. vx $f set x $. vy $f set y $.
wal $( inside $) $a wff $( and here $) A. x p $.
${
  vz $f set z $.
  $d x y $.  $d z x $.
  hyp1 $e |- A. z p $.
  ${ $d q x $. $v r $. wr $f wff r $. hyp2 $e |- r $.
    $( Two
       lines. $)
    inner $a |- ( r -> A. x q ) $. $}
  outer $p |- ( p -> p ) $= ( wi $( where $) ) ABC $.
$}
${ $v r $. wr2 $f wff r $. again $a |- ( r -> q ) $. $}
last $a |- ( q -> p ) $.
"""


def test_whole_database(tmp_path: Path) -> None:
    path, _, _ = write(tmp_path, WHOLE)
    database = read_database(path)
    assert database.files == [path]
    assert database.sha256 == hashlib.sha256(WHOLE.encode()).hexdigest()
    assert database.constants == {"wff", "|-", "(", ")", "->", "A.", "set", "="}
    assert database.variables == {"p", "q", "x", "y", "z", "r"}
    assert list(database.floats) == ["wq", "wp", "vx", "vy", "vz", "wr", "wr2"]
    assert database.essentials["hyp1"] == Essential("hyp1", ("|-", "A.", "z", "p"))
    assert list(database.essentials) == ["hyp1", "hyp2"]
    assert [a.label for a in database.assertions.values()] == ["wi", "wal", "inner", "outer", "again", "last"]
    assert [a.position for a in database.assertions.values()] == [0, 1, 2, 3, 4, 5]
    assert database.float_spans == {
        "wq": (0, sys.maxsize),
        "wp": (0, sys.maxsize),
        "vx": (1, sys.maxsize),
        "vy": (1, sys.maxsize),
        "vz": (2, 4),
        "wr": (2, 3),
        "wr2": (4, 5),
    }


def test_frames(tmp_path: Path) -> None:
    """Order of appearance, not of use; mandatory pairs and all pairs; what a block leaves behind."""
    path, _, _ = write(tmp_path, WHOLE)
    of = read_database(path).assertions
    assert of["wi"].order == ("wq", "wp")
    assert of["wal"].floats == (Floating("wp", "wff", "p"), Floating("vx", "set", "x"))
    inner = of["inner"]
    assert inner.expression == ("|-", "(", "r", "->", "A.", "x", "q", ")")
    assert inner.typecode == "|-"
    assert inner.order == ("wq", "wp", "vx", "vz", "hyp1", "wr", "hyp2")
    assert [essential.label for essential in inner.essentials] == ["hyp1", "hyp2"]
    assert inner.scope_disjoint == {("x", "y"), ("x", "z"), ("q", "x")}
    assert inner.disjoint == {("x", "z"), ("q", "x")}
    outer = of["outer"]
    assert (outer.kind, outer.proof) == ("p", ("(", "wi", ")", "ABC"))
    assert outer.order == ("wp", "vz", "hyp1")
    assert outer.scope_disjoint == {("x", "y"), ("x", "z")}
    assert outer.disjoint == frozenset()
    assert (of["last"].order, of["last"].scope_disjoint) == (("wq", "wp"), frozenset())


def test_comments_and_offsets(tmp_path: Path) -> None:
    path, _, _ = write(tmp_path, WHOLE)
    database = read_database(path)
    comments = {label: assertion.comment for label, assertion in database.assertions.items()}
    assert comments == {
        "wi": "Implication.",
        "wal": "",
        "inner": "Two\n       lines.",
        "outer": "",
        "again": "",
        "last": "",
    }
    for label, assertion in database.assertions.items():
        text = WHOLE[assertion.start : assertion.end]
        assert text.startswith(f"{label} $") and text.endswith("$.") and text.count("$.") == 1


def test_places(tmp_path: Path) -> None:
    path, _, _ = write(tmp_path, WHOLE)
    database = read_database(path)
    assert str(place(database, database.assertions["wi"])) == f"{path}:7:1"
    assert place(database, database.assertions["inner"])[1:] == (18, 5)
    places = Places(database)
    assert places.of_proof_token(database.assertions["outer"], 3, 2)[1:] == (19, 50)
    path.write_text("$( other $) " + WHOLE)
    assert places.place_of(database.assertions["wi"])[1:] == (7, 1)  # read once
    with pytest.raises(ReadError, match="changed since"):
        place(database, database.assertions["wi"])


def test_inclusions(tmp_path: Path) -> None:
    """Once each, from the including file's folder or the top's, and never itself."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.mm").write_text("$c wff $. $[ two.mm $] $[ ../top.mm $]\nax1 $a wff $.")
    (tmp_path / "sub" / "two.mm").write_text("$[ one.mm $] $[ beside.mm $] $c two $.\n$( Two. $) ax2 $a two $.\n")
    (tmp_path / "beside.mm").write_text("$c beside $.\n")
    top = "$[ sub/one.mm $] $[ top.mm $] $[ sub/one.mm $]\n$[ beside.mm $] ax3 $a beside $.\n"
    path, _, _ = write(tmp_path, top, "top.mm")
    database = read_database(path)
    assert [file.name for file in database.files] == ["top.mm", "one.mm", "two.mm", "beside.mm"]
    assert {label: a.file for label, a in database.assertions.items()} == {"ax2": 2, "ax1": 1, "ax3": 0}
    assert place(database, database.assertions["ax2"]) == (tmp_path / "sub" / "two.mm", 2, 12)
    assert database.sha256 == hashlib.sha256(b"".join(file.read_bytes() for file in database.files)).hexdigest()


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.mkdir(), "it is a folder, not a file"),
        (os.mkfifo, "it is a FIFO, not a file"),
        (lambda path: path.symlink_to(path), "it is a link that leads back to itself"),
        (lambda path: path.symlink_to("away.mm"), "it is a link to away.mm, which isn't there"),
        (lambda path: path.symlink_to("/dev/null"), "it is a device, not a file"),
        (lambda path: None, "no such file"),
    ],
)
def test_what_is_no_file_is_called_by_its_name(make: Callable[[Path], None], what: str, tmp_path: Path) -> None:
    """Included or as the database itself; a FIFO must not be waited for."""
    make(tmp_path / "part.mm")
    (tmp_path / "it.mm").write_text(f"{BASE}$[ part.mm $]\n")
    with pytest.raises(ReadError) as caught:
        read_database(tmp_path / "it.mm")
    assert caught.value.kind == "missing-file"
    assert caught.value.message.startswith(f"can't include {tmp_path / 'part.mm'}: {what}; ")
    with pytest.raises(ReadError) as caught:
        read_database(tmp_path / "part.mm")
    assert caught.value.kind == "unreadable"
    assert caught.value.message == f"can't read the file: {what}; check its name"


def test_an_inclusion_that_is_found_beside_the_top_file(tmp_path: Path) -> None:
    """A folder of that name beside the including file is not in the way."""
    (tmp_path / "sub" / "part.mm").mkdir(parents=True)
    (tmp_path / "sub" / "it.mm").write_text("$[ part.mm $]\n")
    (tmp_path / "part.mm").write_text(BASE)
    (tmp_path / "top.mm").write_text("$[ sub/it.mm $]\n")
    assert "wi" in read_database(tmp_path / "top.mm").assertions


def test_fault_in_an_included_file_names_it(tmp_path: Path) -> None:
    inner, line, column = write(tmp_path, "\n$c x $.\n  ¶${ $v y $.\n", "inner.mm")
    path, _, _ = write(tmp_path, BASE + "$[ inner.mm $]\n")
    with pytest.raises(ReadError) as caught:
        read_database(path)
    assert (caught.value.file, caught.value.line, caught.value.column) == (inner, line, column)
    inner, line, column = write(tmp_path, "$c x $.\n¶$}\n", "inner.mm")
    with pytest.raises(ReadError) as caught:
        read_database(path)
    assert (caught.value.file, caught.value.line, caught.value.column) == (inner, line, column)


def test_many_nested_inclusions(tmp_path: Path) -> None:
    """A long chain must not exhaust Python's stack."""
    for number in range(1500):
        (tmp_path / f"f{number}.mm").write_text(f"$[ f{number + 1}.mm $] a{number} $a wff $.\n")
    (tmp_path / "f1500.mm").write_text("$c wff $.")
    database = read_database(tmp_path / "f0.mm")
    assert list(database.assertions) == [f"a{number}" for number in reversed(range(1500))]


def test_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "it.mm.gz"
    path.write_bytes(gzip.compress(WHOLE.encode()))
    assert len(read_database(path).assertions) == 6
    path.write_bytes(gzip.compress(WHOLE.encode())[:-20])
    with pytest.raises(ReadError, match="can't read the file"):
        read_database(path)


def test_progress_ends_at_the_end(tmp_path: Path) -> None:
    text = BASE + "".join(f"x{number} $a wff p $.\n" for number in range(2500))
    path, _, _ = write(tmp_path, text)
    calls: list[tuple[int, int]] = []
    read_database(path, progress=lambda done, total: calls.append((done, total)))
    assert len(calls) == 3 and calls == sorted(calls) and calls[-1] == (len(text), len(text))


def test_equal_pairs_are_shared(tmp_path: Path) -> None:
    """Without sharing, set.mm takes gigabytes."""
    block = "${ $d x y z $. $d p x $. a%d $a |- A. x p $. b%d $a |- A. x A. y p $. $}\n"
    text = WHOLE + "vz2 $f set z $.\n" + "".join(block % (number, number) for number in range(3))
    of = read_database(write(tmp_path, text)[0]).assertions
    assert of["a0"].scope_disjoint is of["b2"].scope_disjoint
    assert of["b0"].disjoint is of["b1"].disjoint
    assert of["b0"].disjoint == {("x", "y"), ("p", "x")}


def clean_cuts(text: str) -> set[int]:
    """The offsets at which a valid database may be cut: outside of comments, statements and blocks."""
    cuts = {0}
    open_until = ""
    depth = 0
    for match in re.finditer(r"\S+", text):
        token = match.group()
        if open_until:
            if token == open_until:
                open_until = ""
        elif token == "$(":
            open_until = "$)"
        elif token in {"${", "$}"}:
            depth += 1 if token == "${" else -1
        else:
            open_until = "$."
        if not open_until and not depth:
            rest = re.compile(r"\s*").match(text, match.end())
            assert rest is not None
            cuts |= set(range(match.end(), rest.end() + 1))
    return cuts


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    """A file cut anywhere but between statements must not pass for a smaller database."""
    text = WHOLE.replace("$( where $)", "").replace("$( inside $)", "").replace("$( and here $)", "")
    good = clean_cuts(text)
    accepted = set()
    for end in range(len(text) + 1):
        path, _, _ = write(tmp_path, text[:end])
        try:
            read_database(path)
        except ReadError as error:
            assert error.line >= 1
        else:
            accepted.add(end)
    assert accepted == good


PIECES = ["$c", "$v", "$f", "$e", "$d", "$a", "$p", "$=", "$.", "${", "$}", "$(", "$)", "$[", "$]", "$", "$x"]
WORDS = ["wff", "|-", "p", "q", "r", "(", "wp", "new", "a*", "?", "it.mm", "zz"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES + WORDS), max_size=14), st.sampled_from([" ", "\n", "\r\n", "\t", ""]))
def test_any_tokens_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, words: list[str], gap: str) -> None:
    """Nothing but a ReadError with a place comes out, whatever the tokens."""
    path, _, _ = write(tmp_path_factory.mktemp("soup"), BASE + " ".join(words) + gap)
    try:
        read_database(path)
    except ReadError as error:
        assert error.line >= 7 and error.column >= 1 and error.file == path


@settings(max_examples=300, deadline=None)
@given(st.text("ab$()\n \t.", max_size=30))
def test_blanking_comments_moves_nothing(text: str) -> None:
    path = Path("it.mm")
    try:
        source = make_source(path, text.encode())
    except ReadError:
        return
    assert len(source.code) == len(text)
    assert all(code in {was, " "} for code, was in zip(source.code, text, strict=True))
    assert "$(" not in source.code
