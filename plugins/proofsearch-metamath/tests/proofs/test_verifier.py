"""The verifier: broken proofs with the place of each fault, and random ones against a slow and plain machine.

A broken proof has the mark ``¶`` where the error must point, as in the reader's corpus.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.database.model import Assertion, Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.errors import MetamathError, ProofError, ReadError
from proofsearch_metamath.proofs import machine
from proofsearch_metamath.proofs.checking import check_file, verify_database
from proofsearch_metamath.proofs.graph import proof_graph
from proofsearch_metamath.proofs.verifier import Verifier, verify_assertion

LOGIC = """$c wff setvar |- ( ) -> A. $.
$v ph ps ch x y z $.
wph $f wff ph $. wps $f wff ps $. wch $f wff ch $.
vx $f setvar x $. vy $f setvar y $. vz $f setvar z $.
wi $a wff ( ph -> ps ) $.
wal $a wff A. x ph $.
${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
${ gen.1 $e |- ph $. ax-gen $a |- A. x ph $. $}
${ $d x ph $. ax-5 $a |- ( ph -> A. x ph ) $. $}
${ $d x y $. ax-two $a |- A. x A. y ( ph -> ph ) $. $}
${ two.1 $e |- A. x A. y ( ph -> ph ) $. no-dummy $a |- ( ph -> ph ) $. $}
"""

THEOREMS = """
${ a1i.1 $e |- ph $.
   a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}
${ mp2b.1 $e |- ph $. mp2b.2 $e |- ( ph -> ps ) $. mp2b.3 $e |- ( ps -> ch ) $.
   mp2b $p |- ch $= wps wch wph wps mp2b.1 mp2b.2 ax-mp mp2b.3 ax-mp $. $}
${ a2i.1 $e |- ( ph -> ( ps -> ch ) ) $.
   a2i $p |- ( ( ph -> ps ) -> ( ph -> ch ) ) $= ( wi ax-2 ax-mp ) ABCEEABEACEEDABCFG $. $}
${ mpd.1 $e |- ( ph -> ps ) $. mpd.2 $e |- ( ph -> ( ps -> ch ) ) $.
   mpd $p |- ( ph -> ch ) $= ( wi a2i ax-mp ) ABFACFDABCEGH $. $}
${ syl.1 $e |- ( ph -> ps ) $. syl.2 $e |- ( ps -> ch ) $.
   syl $p |- ( ph -> ch ) $= ( wi a1i mpd ) ABCDBCFAEGH $. $}
id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $.
idn $p |- ( ph -> ph ) $= wph wph wph wi wph wph wph ax-1 wph wph wph wi ax-1 mpd $.
"""

FIVE = """
${ $d x ph $. $d y ph $. %s
   five $p |- ( ph -> A. y A. x ph ) $=
     wph  wph vx wal  wph vx wal vy wal  wph vx ax-5  wph vx wal vy ax-5  syl $. $}
"""
LATE = """
later $a |- ( ph -> ph ) $.
"""
GOOD = LOGIC + THEOREMS + FIVE % "$d x y $." + LATE

DUMMY = """
${ $d ph x y $.
   dummy $p |- ( ph -> ph ) $= wph vx vy wph vx vy ax-two no-dummy $. $}
"""

reference = shutil.which("metamath")
LENIENT = "the reference is lenient"


def read(folder: Path, text: str) -> tuple[Database, int, int]:
    """Reads a text without its mark; also the mark's line and column."""
    before, _, after = text.partition("¶")
    path = folder / "it.mm"
    path.write_text(before + after)
    return read_database(path), before.count("\n") + 1, len(before) - before.rfind("\n")


def reference_accepts(path: Path) -> bool:
    """Whether the reference program reads and verifies a database."""
    assert reference is not None
    command = [reference, f'read "{path.name}"', "verify proof *", "exit"]
    run = subprocess.run(command, cwd=path.parent, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    output = run.stdout.decode("latin-1")
    return "No errors were found" in output and not re.search(r"^\?.*(Error|BUG)", output, re.MULTILINE)


def theorem(proof: str, statement: str = "|- ( ph -> ph )", before: str = "") -> str:
    """A database with a last theorem `t` that has this proof, followed by an axiom."""
    return f"{LOGIC}{THEOREMS}{before}\nt $p {statement} $=\n   {proof} $.\n{LATE}"


PAIR = "wff ( ph -> ps )"
GEN = "${ %s g $p |- ( ph -> A. x ph ) $= %s $. $}\n"
# name: (kind, step, text with ¶ before the fault, LENIENT or "")
BROKEN: dict[str, tuple[str, int, str, str]] = {
    # normal proofs
    "dropped step": ("underflow", 2, theorem("wph ¶wi", PAIR), ""),
    "nothing to apply to": ("underflow", 1, theorem("¶wi", PAIR), ""),
    "step too many": ("leftover", 0, theorem("wph wph wps wi", PAIR).replace("\nt ", "\n¶t "), ""),
    "swapped hypotheses": ("statement", 0, theorem("wps wph wi", PAIR).replace("\nt ", "\n¶t "), ""),
    "another typecode proved": ("statement", 0, theorem("wph wph wi", "|- ( ph -> ph )").replace("\nt ", "\n¶t "), ""),
    "wrong typecode": ("typecode", 3, theorem("wph vx ¶wi", PAIR), ""),
    "wrong typecode first": ("typecode", 3, theorem("vx wph ¶wi", PAIR), ""),
    "typecodes swapped": ("typecode", 3, theorem("vx wph ¶wal", "wff A. x ph"), ""),
    "premise without proof": ("typecode", 5, theorem("wph wph wph wph ¶ax-mp"), ""),
    "premise of another statement": (
        "hypothesis",
        8,
        theorem("wph wph wph id wph wps ax-1 ¶ax-mp"),
        "",
    ),
    "itself": ("citation", 0, theorem("wph ¶t"), ""),
    "a later axiom": ("citation", 0, theorem("wph ¶later"), ""),
    "$e of another theorem": ("inactive-hypothesis", 0, theorem("¶min", "|- ph"), ""),
    "$e of a closed block": ("inactive-hypothesis", 0, theorem("¶syl.1", "|- ( ph -> ps )"), ""),
    "inactive $f": (
        "inactive-hypothesis",
        0,
        theorem("wph ¶wr wi", "wff ( ph -> ps )", "${ $v r $. wr $f wff r $. $}"),
        "",
    ),
    "unknown label": ("unknown-label", 0, theorem("wph ¶nothing wi", PAIR), ""),
    "a symbol for a label": ("unknown-label", 0, theorem("wph ¶ph wi", PAIR), ""),
    "unfinished": ("incomplete", 0, theorem("wph ¶? wi", PAIR), LENIENT),
    "all unfinished": ("incomplete", 0, theorem("¶?", PAIR), LENIENT),
    # $d
    "dropped $d": ("disjoint", 3, LOGIC + THEOREMS + GEN % ("", "wph vx ¶ax-5"), ""),
    "dropped $d, compressed": ("disjoint", 3, LOGIC + THEOREMS + GEN % ("", "( ax-5 ) AB¶C"), ""),
    "$d of other variables": ("disjoint", 3, LOGIC + THEOREMS + GEN % ("$d y ph $. $d x y $.", "wph vx ¶ax-5"), ""),
    "$d in a closed block": ("disjoint", 3, LOGIC + THEOREMS + GEN % ("${ $d x ph $. $}", "wph vx ¶ax-5"), ""),
    "$d below the surface": (
        "disjoint",
        17,
        LOGIC + THEOREMS + (FIVE % "").replace("wph vx wal vy ax-5", "wph vx wal vy ¶ax-5"),
        "",
    ),
    "shared variable": ("disjoint", 5, LOGIC + "${ $d x ph $.\nt $p |- ph $= wph vx wal vx ¶ax-5 $. $}\n", ""),
    "one variable twice": ("disjoint", 4, LOGIC + "t $p |- A. x A. x ( ph -> ph ) $=\n wph vx vx ¶ax-two $.\n", ""),
    # compressed proofs
    "number out of range": ("number", 3, theorem("( wi ) AB¶D", PAIR), ""),
    "number far out of range": ("number", 3, theorem("( wi ) AB\n¶YYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYYA", PAIR), ""),
    "tag that is not there yet": ("number", 2, theorem("( wi ) A¶DZBC", PAIR), ""),
    "tag first": ("tag", 0, theorem("( wi ) ¶ZABC", PAIR), ""),
    "tag twice": ("tag", 0, theorem("( wi ) ABCZ¶Z", PAIR), LENIENT),
    "tag within a number": ("letter", 0, theorem("( wi ) ABCU¶Z", PAIR), ""),
    "number cut short": ("letter", 0, theorem("( wi ) ABC¶U", PAIR), ""),
    "small letter": ("letter", 0, theorem("( wi ) A ¶bC", PAIR), ""),
    "digit": ("letter", 0, theorem("( wi ) AB¶3", PAIR), ""),
    "second parenthesis": ("letter", 0, theorem("( wi ) AB ¶) C", PAIR), ""),
    "unclosed parenthesis": ("parenthesis", 0, theorem("¶( wi ABC", PAIR), ""),
    "no letters": ("no-steps", 0, theorem("( wi ¶)", PAIR), ""),
    "mandatory $f in the parentheses": ("mandatory", 0, theorem("( ¶wps wi ) ABD", PAIR), ""),
    "mandatory $e in the parentheses": (
        "mandatory",
        0,
        LOGIC + "${ h $e |- ph $.\n t $p |- ph $= ( ¶h ) B $. $}",
        "",
    ),
    "unknown label in the parentheses": ("unknown-label", 0, theorem("( wi ¶nothing ) ABC", PAIR), ""),
    "itself in the parentheses": ("citation", 0, theorem("( wi ¶t ) ABC", PAIR), ""),
    "a later axiom in the parentheses": ("citation", 0, theorem("( ¶later ) AB"), ""),
    "other $e in the parentheses": ("inactive-hypothesis", 0, theorem("( ¶min ) B", "|- ph"), ""),
    "unfinished, compressed": ("incomplete", 0, theorem("( wi ) A¶?C", PAIR), LENIENT),
    "all unfinished, compressed": ("incomplete", 0, theorem("( ) ¶?", PAIR), LENIENT),
    "dropped letter": ("underflow", 2, theorem("( wi ) A¶C", PAIR), ""),
    "letter over two lines": ("underflow", 1, theorem("( wi ) $( x $)\n ¶C A", PAIR), ""),
    "swapped letters": ("statement", 0, theorem("( wi ) BAC", PAIR).replace("\nt ", "\n¶t "), ""),
    "letter too many": ("leftover", 0, theorem("( wi ) AABC", PAIR).replace("\nt ", "\n¶t "), ""),
    "premise changed": ("hypothesis", 9, LOGIC + THEOREMS.replace("ABADCABEF", "ABADCBAE¶F"), ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_proof_is_refused_at_its_place(name: str, tmp_path: Path) -> None:
    kind, step, text, _ = BROKEN[name]
    database, line, column = read(tmp_path, text)
    with pytest.raises(ProofError) as caught:
        verify_database(database)
    error = caught.value
    assert (error.kind, error.line, error.column) == (kind, line, column), str(error)
    assert error.step == step
    assert (f"step {step}: " in error.message) == bool(step)
    assert error.file == tmp_path / "it.mm" and repr(error.label) in error.message
    assert str(error).startswith(f"{tmp_path / 'it.mm'}:{line}:{column}: in the proof of ")


@pytest.mark.skipif(reference is None, reason="no reference program; apt-get install metamath")
@pytest.mark.parametrize("name", BROKEN)
def test_reference_refuses_what_we_refuse(name: str, tmp_path: Path) -> None:
    _, _, text, lenient = BROKEN[name]
    read(tmp_path, text)
    assert reference_accepts(tmp_path / "it.mm") == bool(lenient)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return read(tmp_path_factory.mktemp("good"), GOOD)[0]


def test_good_proofs_pass(good: Database) -> None:
    assert verify_database(good) == 8


@pytest.mark.skipif(reference is None, reason="no reference program; apt-get install metamath")
def test_reference_accepts_the_good_proofs(good: Database) -> None:
    """Otherwise its refusals above would prove nothing."""
    assert reference_accepts(good.files[0])


@pytest.mark.parametrize("letters", ["ABC", "ABD"])
def test_a_label_twice_in_the_parentheses(letters: str, tmp_path: Path) -> None:
    """The book doesn't forbid it, and the reference program and mmverify.py accept it: both numbers mean the label."""
    database, _, _ = read(tmp_path, theorem(f"( wi wi ) {letters}", PAIR))
    assert verify_assertion(database, database.assertions["t"]).cited == {"wi"}
    assert proof_graph(database, database.assertions["t"]).label == "wi"
    if reference is not None:
        assert reference_accepts(tmp_path / "it.mm")


def test_audit(good: Database) -> None:
    audit = verify_assertion(good, good.assertions["id"])
    assert (audit.label, audit.steps, audit.cited) == ("id", 12, {"wi", "ax-1", "mpd"})
    audit = verify_assertion(good, good.assertions["idn"])
    assert (audit.steps, audit.cited) == (14, {"wi", "ax-1", "mpd"})
    unused = verify_assertion(
        good, good.assertions["id"], proof=("(", "wi", "ax-1", "ax-2", "mpd", ")", "AAABZAAACAFCE")
    )
    assert unused.cited == {"wi", "ax-1", "mpd"}


def test_given_proof_and_position(good: Database) -> None:
    """A given proof is for the assertion's place: what stands later may not be cited, whatever is stored."""
    later, syl = good.assertions["later"], good.assertions["syl"]
    assert verify_assertion(good, later, proof=("wph", "id")).cited == {"id"}
    with pytest.raises(ProofError, match="stands later"):
        verify_assertion(good, syl, proof=("wph", "id"))
    with pytest.raises(ProofError, match="the theorem itself"):
        verify_assertion(good, syl, proof=("(", "syl", ")", "ABCDEF"))
    with pytest.raises(ProofError, match="no proof") as caught:
        verify_assertion(good, later)
    assert caught.value.kind == "no-proof"
    at_end = replace(later, label="new", position=len(good.assertions))
    assert verify_assertion(good, at_end, proof=("wph", "later")).cited == {"later"}


def test_faults_in_a_given_proof_point_at_the_theorem(good: Database) -> None:
    with pytest.raises(ProofError) as caught:
        verify_assertion(good, good.assertions["id"], proof=("wph", "wi"))
    text = good.files[0].read_text()
    assert (caught.value.line, caught.value.column) == (text[: text.index("\nid $p")].count("\n") + 2, 1)


def test_faults_are_told_when_the_file_is_gone(tmp_path: Path) -> None:
    database, _, _ = read(tmp_path, theorem("wph ¶wi", PAIR))
    (tmp_path / "it.mm").unlink()
    with pytest.raises(ProofError) as caught:
        verify_database(database)
    assert caught.value.line == 0 and str(caught.value).startswith(f"{tmp_path / 'it.mm'}: in the proof of 't', step 2")


def test_extra_disjoint(tmp_path: Path) -> None:
    """A proof may add conditions on its dummy variables, and on nothing else."""
    database, _, _ = read(tmp_path, LOGIC + DUMMY + DUMMY.replace("$d ph x y $.", "").replace("dummy $p", "bare $p"))
    bare, dummy = database.assertions["bare"], database.assertions["dummy"]
    verify_assertion(database, dummy)
    with pytest.raises(ProofError, match="no \\$d in force keeps 'x' and 'y' apart"):
        verify_assertion(database, bare)
    for extra in [("x", "y")], [("y", "x"), ("ph", "x")], frozenset([("x", "y"), ("ps", "ph")]):
        verify_assertion(database, bare, extra_disjoint=extra)
    with pytest.raises(ProofError):
        verify_assertion(database, bare, extra_disjoint=[("x", "ph"), ("y", "ph"), ("x", "z")])
    for wrong in ("x", "x"), ("x", "->"), ("x", "unknown"):
        with pytest.raises(ProofError, match="expected two different variables") as caught:
            verify_assertion(database, bare, extra_disjoint=[("x", "y"), wrong])
        assert caught.value.kind == "extra-disjoint"


def test_extra_disjoint_must_not_weaken_the_theorem(tmp_path: Path) -> None:
    database, _, _ = read(
        tmp_path, LOGIC + GEN % ("", "wph vx ax-5") + (GEN % ("$d x ph $.", "?")).replace("g $p", "h $p")
    )
    with pytest.raises(ProofError, match="would weaken the theorem") as caught:
        verify_assertion(database, database.assertions["g"], extra_disjoint=[("ph", "x")])
    assert caught.value.kind == "extra-disjoint"
    # The pair is in force already: it adds nothing.
    verify_assertion(database, database.assertions["h"], proof=("wph", "vx", "ax-5"), extra_disjoint=[("x", "ph")])


def test_one_verifier_keeps_proofs_apart(tmp_path: Path) -> None:
    """What it remembers from a theorem with $d must not let the next one pass without."""
    text = LOGIC + GEN % ("$d x ph $.", "wph vx ax-5") + (GEN % ("", "wph vx ax-5")).replace("g $p", "h $p")
    database, _, _ = read(tmp_path, text)
    verifier = Verifier(database)
    verifier.check(database.assertions["g"])
    with pytest.raises(ProofError):
        verifier.check(database.assertions["h"])
    verifier.check(database.assertions["g"])


def test_one_verifier_minds_the_place_of_what_it_knows(good: Database) -> None:
    """What it has applied for a later theorem is still not to be cited by an earlier one."""
    verifier = Verifier(good)
    verifier.verify(good.assertions["later"], proof=("(", "id", ")", "AB"))
    verifier.verify(good.assertions["later"], proof=("wph", "id"))
    for proof in ("(", "id", ")", "AF"), ("wph", "id"):
        with pytest.raises(ProofError) as caught:
            verifier.verify(good.assertions["syl"], proof=proof)
        assert caught.value.kind == "citation"


def test_expressions_do_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty doublings fit in a line; without the limit they would need 2^60 symbols."""
    monkeypatch.setattr(machine, "LONGEST_EXPRESSION", 100_000)
    letters = "A" + "".join("ABZ" if n == 0 else code(n + 1) * 2 + "BZ" for n in range(60))
    database, _, _ = read(tmp_path, LOGIC + f"t $p wff ( ph -> ph ) $= ( wi ) {letters} $.\n")
    with pytest.raises(ProofError) as caught:
        verify_database(database)
    assert caught.value.kind == "too-long"


def code(number: int) -> str:
    """The letters of a number from 0, by counting."""
    letters = [""]
    while len(letters) <= number // 20:
        letters = ["", *[head + digit for head in letters for digit in "UVWXY"]]
        letters.sort(key=lambda head: (len(head), head))
    return letters[number // 20] + "ABCDEFGHIJKLMNOPQRST"[number % 20]


# -- whole databases ------------------------------------------------------------------------------------------------


def many_theorems(wrong: Sequence[int] = ()) -> str:
    """A database of some megabytes, with a wrong proof in these theorems."""
    filler = "$( " + "x" * 4000 + " $) "
    proofs = ("wph id", "wps id")
    return GOOD + "".join(f"t{n} $p |- ( ph -> ph ) $= {filler}{proofs[n in wrong]} $.\n" for n in range(600))


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_jobs_agree(tmp_path: Path, jobs: int) -> None:
    """The count, and the first error of several: even if a later chunk of theorems fails sooner."""
    database, _, _ = read(tmp_path, many_theorems())
    calls: list[tuple[int, int]] = []
    assert verify_database(database, jobs=jobs, progress=lambda done, total: calls.append((done, total))) == 608
    assert calls == sorted(calls) and calls[-1] == (608, 608) and len(calls) > 2
    database, _, _ = read(tmp_path, many_theorems([300, 301, 599]))
    with pytest.raises(ProofError) as caught:
        verify_database(database, jobs=jobs)
    assert (caught.value.label, caught.value.kind) == ("t300", "statement")
    assert caught.value.line > 100


def test_jobs_must_be_positive(good: Database) -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        verify_database(good, jobs=0)


def test_check_file(good: Database, tmp_path: Path) -> None:
    assert check_file(good.files[0]) == 8
    path = tmp_path / "axioms.mm"
    path.write_text(LOGIC)
    assert check_file(path, jobs=4) == 0
    path.write_text(LOGIC + "${")
    with pytest.raises(ReadError):
        check_file(path)


@pytest.mark.parametrize("kind", [MetamathError, ReadError, ProofError])
def test_errors_survive_pickling(kind: type[MetamathError]) -> None:
    """Worker processes hand errors over pickled."""
    error = kind("wrong", Path("a.mm"), 3, 4, "token")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.kind, copy.line) == (kind, "a.mm:3:4: wrong", "token", 3)
    proof = pickle.loads(pickle.dumps(ProofError("wrong", Path("a.mm"), 3, 4, "token", "t", 7)))
    assert (proof.label, proof.step, str(proof)) == ("t", 7, "a.mm:3:4: wrong")


DATABASES = Path(os.environ.get("METAMATH_DATABASES", "/usr/share/metamath/databases"))


@pytest.mark.parametrize(
    ("name", "count"), [("demo0", 1), ("miu", 1), ("peano", 0), ("big-unifier", 2), ("hol", 138), ("ql", 1138)]
)
def test_real_databases(name: str, count: int) -> None:
    path = DATABASES / f"{name}.mm"
    if not path.is_file():
        pytest.skip(f"no database {path}; apt-get install metamath-databases")
    assert check_file(path, jobs=1) == count


# -- axioms ---------------------------------------------------------------------------------------------------------


def test_axioms_used(tmp_path: Path, axiom_index: Callable[[Database], Any]) -> None:
    more = """
    hole $p |- ( ph -> ps ) $= wph wps wi ? $.
    letters $p |- ( ph -> ps ) $= ( wi ) AB?C $.
    holed $p |- ( ph -> ph ) $= ( hole ) AAB $.
    forward $p |- ( ph -> ph ) $= wph last $.
    last $p |- ( ph -> ph ) $= wph id $.
    """
    database, _, _ = read(tmp_path, GOOD + more)
    index = axiom_index(database)
    assert index.used(["id"]).axioms == {"ax-1", "ax-2", "ax-mp"}
    assert not index.used(["id"]).unproved
    assert index.used(["a1i"]).axioms == {"ax-1", "ax-mp"}
    assert index.used(["five", "wi"]).axioms == {"ax-1", "ax-2", "ax-mp", "ax-5"}
    assert index.used(["ax-gen", "wal"]).axioms == {"ax-gen"}
    assert not index.used([]).axioms | index.used([]).unproved
    assert index.used(["holed"]).unproved == {"hole"}
    assert index.used(["letters", "id"]).axioms == index.used(["id"]).axioms
    assert index.used(["letters", "id"]).unproved == {"letters"}
    assert index.used(["forward"]).unproved == {"forward"}
    assert index.used(["last"]) == index.used(["id"]) == index.used(["last", "id"])
    with pytest.raises(KeyError):
        index.used(["wph"])


# -- against a plain machine ----------------------------------------------------------------------------------------


class RefusedError(Exception):
    """The plain machine finds a proof wrong."""


def plain_labels(assertion: Assertion, tokens: Sequence[str]) -> list[str | int]:
    """The steps of a proof as labels; in a compressed one, a tag is -1 and a reference the number of a tag, from 0."""
    if tokens[:1] != ("(",):
        return list(tokens)
    if ")" not in tokens:
        raise RefusedError
    close = tokens.index(")")
    inside = tokens[1:close]
    if set(inside) & set(assertion.order):
        raise RefusedError
    labels = [*assertion.order, *inside]
    steps: list[str | int] = []
    number, pending = 0, False
    for letter in "".join(tokens[close + 1 :]):
        if letter in "UVWXY":
            number, pending = number * 5 + "UVWXY".index(letter) + 1, True
        elif letter == "Z":
            if pending or not steps or steps[-1] == -1:
                raise RefusedError
            steps.append(-1)
        elif letter in "ABCDEFGHIJKLMNOPQRST":
            number = number * 20 + "ABCDEFGHIJKLMNOPQRST".index(letter)
            steps.append(labels[number] if number < len(labels) else number - len(labels))
            number, pending = 0, False
        else:
            raise RefusedError
    if pending:
        raise RefusedError
    return steps


def plainly_proves(database: Database, assertion: Assertion, tokens: Sequence[str]) -> bool:
    """The book's rules over lists of tokens, in the plainest way."""
    try:
        return plain_result(database, assertion, tokens) == [list(assertion.expression)]
    except RefusedError:
        return False


def plain_result(database: Database, assertion: Assertion, tokens: Sequence[str]) -> list[list[str]]:
    apart = {frozenset(pair) for pair in assertion.scope_disjoint}
    own = {essential.label: list(essential.expression) for essential in assertion.essentials}
    stack: list[list[str]] = []
    tagged: list[list[str]] = []
    if tokens[:1] == ("(",) and ")" in tokens:
        for label in tokens[1 : tokens.index(")")]:
            known = label in database.floats or label in own
            if not known and (
                label not in database.assertions or database.assertions[label].position >= assertion.position
            ):
                raise RefusedError
    for step in plain_labels(assertion, tokens):
        if isinstance(step, int):
            if step == -1:
                tagged.append(stack[-1])
            elif step < len(tagged):
                stack.append(tagged[step])
            else:
                raise RefusedError
        elif step in own:
            stack.append(own[step])
        elif step in database.floats:
            floating = database.floats[step]
            stack.append([floating.typecode, floating.variable])
        elif step in database.assertions and database.assertions[step].position < assertion.position:
            cited = database.assertions[step]
            if len(stack) < len(cited.order):
                raise RefusedError
            arguments = stack[len(stack) - len(cited.order) :]
            del stack[len(stack) - len(cited.order) :]
            value: dict[str, list[str]] = {}
            for label, argument in zip(cited.order, arguments, strict=True):
                if label in database.floats:
                    if argument[0] != database.floats[label].typecode:
                        raise RefusedError
                    value[database.floats[label].variable] = argument[1:]
            for label, argument in zip(cited.order, arguments, strict=True):
                if label in database.essentials:
                    wanted = [
                        s for symbol in database.essentials[label].expression for s in value.get(symbol, [symbol])
                    ]
                    if argument != wanted:
                        raise RefusedError
            for first, second in cited.disjoint:
                for one in value[first]:
                    for other in value[second]:
                        variables = one in database.variables and other in database.variables
                        if variables and (one == other or frozenset((one, other)) not in apart):
                            raise RefusedError
            stack.append([s for symbol in cited.expression for s in value.get(symbol, [symbol])])
        else:
            raise RefusedError
    return stack


def accepts(verifier: Verifier, assertion: Assertion, tokens: Sequence[str]) -> bool:
    try:
        verifier.verify(assertion, proof=tokens)
    except ProofError:
        return False
    return True


LABELS = [
    "wph",
    "wps",
    "wch",
    "vx",
    "vy",
    "wi",
    "wal",
    "ax-mp",
    "ax-1",
    "ax-2",
    "ax-5",
    "ax-gen",
    "ax-two",
    "min",
    "syl.1",
]
LABELS += ["a1i", "syl", "id", "mpd", "later", "nothing", "(", ")", "?", "no-dummy", "two.1", "mpd.1"]


def mutated(draw: st.DrawFn, proof: tuple[str, ...]) -> tuple[str, ...]:
    """A proof with one token replaced, dropped, doubled or swapped, or one letter of a compressed proof."""
    tokens = list(proof)
    at = draw(st.integers(0, len(tokens) - 1))
    letters = proof[0] == "(" and ")" in proof[:at]
    units = list(tokens[at]) if letters else tokens
    index = draw(st.integers(0, len(units) - 1)) if letters else at
    change = draw(st.sampled_from(["replace", "drop", "double", "swap", "insert"]))
    pool = list("ABCDEFGHIJKUVZ?a") if letters else LABELS
    if change == "replace":
        units[index] = draw(st.sampled_from(pool))
    elif change == "drop":
        del units[index]
    elif change == "double":
        units.insert(index, units[index])
    elif change == "insert":
        units.insert(index, draw(st.sampled_from(pool)))
    elif index + 1 < len(units):
        units[index], units[index + 1] = units[index + 1], units[index]
    if letters:
        tokens[at] = "".join(units)
    return tuple([token for token in tokens if token])


@settings(max_examples=1500, deadline=None)
@given(st.data())
def test_mutated_proofs_agree_with_the_plain_machine(good: Database, data: st.DataObject) -> None:
    """A changed proof is accepted if and only if it still proves its statement."""
    theorems = [label for label, assertion in good.assertions.items() if assertion.kind == "p"]
    assertion = good.assertions[data.draw(st.sampled_from(theorems), label="theorem")]
    proof = assertion.proof
    assert plainly_proves(good, assertion, proof)
    for _ in range(data.draw(st.integers(1, 2))):
        if proof:
            proof = mutated(data.draw, proof)
    assert accepts(Verifier(good), assertion, proof) == (bool(proof) and plainly_proves(good, assertion, proof))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_dropped_conditions_agree_with_the_plain_machine(good: Database, data: st.DataObject) -> None:
    """With fewer $d pairs, a proof is accepted if and only if it does not need the missing ones."""
    five = good.assertions["five"]
    pairs = data.draw(st.frozensets(st.sampled_from(sorted({("ph", "x"), ("ph", "y"), ("x", "y"), ("ps", "x")}))))
    changed = replace(five, scope_disjoint=pairs, disjoint=pairs)
    assert accepts(Verifier(good), changed, five.proof) == plainly_proves(good, changed, five.proof)
    assert accepts(Verifier(good), changed, five.proof) == (pairs >= five.scope_disjoint)
