"""What may be relied on: nothing whose proof is wrong or unfinished, and nothing that rests on such a proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.database.model import Database
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.errors import MetamathError, ProofError
from proofsearch_metamath.library.grounds import citation_problem
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.prepare import build, prepare
from proofsearch_metamath.proofs.compressed import is_compressed
from proofsearch_metamath.proofs.soundness import Flaw, examine
from proofsearch_metamath.proofs.statement import ProofText, write_proof_text
from proofsearch_metamath.proofs.verifier import Verifier

from proofsearch import Advanced, Candidate, Finished, Outcome, Rejected
from proofsearch.config import SearchConfig
from proofsearch.engine import SearchStatus, search
from proofsearch.protocols import GenerationRequest

from ..database.test_reader import BASE, PIECES, WORDS
from ..database.test_reader import BROKEN as BROKEN_DATABASES
from .test_verifier import BROKEN as BROKEN_PROOFS
from .test_verifier import GOOD, mutated

Open = Callable[..., MetamathEnvironment]

FLAWED = (
    "bad $p |- ph $= wph wph ax-1 $. open $p |- ( ch -> ch ) $= ? $. "
    "below $p |- ( ps -> ps ) $= wps wps wi bad $. "
    "wbad $p wff A. x x = y $= vx cv vy cv wceq $. onsyntax $p |- ( ph -> ph ) $= wph id $. "
    "twice $p |- ( ps -> ps ) $= wps below $. fine $p |- ( ps -> ps ) $= wps id $. "
    "late $p |- ( ch -> ( ps -> ( ch -> ch ) ) ) $= ? $. "
)
"""``bad`` proves everything, by a proof of something else; ``below`` and ``twice`` rest on it."""


def labels(library: Library, bits: int) -> set[str]:
    return set(library.label_array[library.array_of(bits)].tolist())


def test_what_may_be_cited(opened: Open) -> None:
    library = opened(FLAWED).library
    hidden = set(library.provable_labels) - labels(library, library.citable)
    assert hidden == {"bad", "open", "below", "twice", "late"}
    flaws = {library.tables.labels[position]: flaw for position, flaw in library.tables.flaws.items()}
    assert flaws.keys() == {"bad", "open", "late", "wbad"}, "what rests on a wrong proof has no fault of its own"
    assert flaws["bad"].kind == "statement"
    assert flaws["open"].unfinished
    assert not flaws["bad"].unfinished
    assert citation_problem(library, "id") is None
    assert citation_problem(library, "open") == "open, whose own proof is incomplete"
    assert (citation_problem(library, "twice") or "").startswith(
        "twice, which rests on bad, whose own proof is wrong: the proof p"
    )


def test_syntax_counts_too(opened: Open) -> None:
    """A wrong proof that something is a formula would let nonsense be put for a variable."""
    library = opened(
        "wbad $p wff A. x ph $= wph $. on $p |- ( A. x ph -> A. x ph ) $= wph vx wbad id $. "
        "off $p |- ( A. x ph -> A. x ph ) $= wph vx wal id $. "
    ).library
    assert citation_problem(library, "off") is None
    assert (citation_problem(library, "on") or "").startswith("on, which rests on wbad, whose own proof is wrong: ")


def test_only_what_a_proof_applies_counts(opened: Open) -> None:
    """A label in the parentheses that no letter means is not cited."""
    environment = opened(
        "open $p |- ph $= ? $. fine $p |- ( ps -> ps ) $= ( open id ) AC $. th $p |- ( ph -> ph ) $= ? $."
    )
    assert citation_problem(environment.library, "fine") is None
    theorem = environment.theorem("th")
    assert environment.verify(theorem, environment.write_proof(theorem, ())).proved


def moves_of(environment: MetamathEnvironment, name: str) -> tuple[Outcome, Sequence[str]]:
    session = environment.open(environment.theorem(name))
    outcome = session.initial()
    assert isinstance(outcome, Advanced)
    return session.step(outcome.state, "bad"), session.moves(outcome.state).listed()


def test_what_may_not_be_cited_is_neither_offered_nor_taken(opened: Open) -> None:
    """``bad`` would close every goal at once."""
    stepped, listed = moves_of(opened(FLAWED), "late")
    assert isinstance(stepped, Rejected)
    assert stepped.message.startswith("nothing can rest on bad, whose own proof is wrong: ")
    assert "a1i" in listed
    assert not {"bad", "open", "below", "twice"} & set(listed)


@pytest.mark.parametrize(
    ("proof", "why"),
    [
        ("wch wps wch wch wi wi wi bad", "bad, whose own proof is wrong: the proof proves another statement"),
        ("wps wch wch wi wi wch wch wch wi wps wch open a1i a1i", "open, whose own proof is incomplete"),
        (
            "wps wch wch wi wi wch wch wch wi wps wch twice a1i a1i",
            "twice, which rests on bad, whose own proof is wrong: ",
        ),
    ],
)
def test_a_proof_that_rests_on_it_is_refused(proof: str, why: str, opened: Open) -> None:
    """Catches a wrong theorem of the library that proves anything."""
    environment = opened(FLAWED)
    theorem = environment.theorem("late")
    text = ProofText("late", environment.library.frames["late"].expression, tuple(proof.split()))
    verdict = environment.verify(theorem, write_proof_text(text))
    assert not verdict.proved
    assert verdict.message.startswith(f"the proof cites {why}")


class Everything:
    """A policy that suggests whatever may apply, in the library's order."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        return [[Candidate(tactic, -1.0) for tactic in request.moves.listed()[:n]] for request in requests]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("proof", ["?", "wph wps ax-1", "( ax-1 AB"])
def test_one_of_two_equal_conjectures_does_not_stand_in_the_others_way(proof: str, opened: Open) -> None:
    """The first has no proof, or a wrong one, so the second isn't closed by it: a search finds another way."""
    environment = opened(
        start="$c ( ) -> wff |- $. $v ph ps $. wph $f wff ph $. wps $f wff ps $. wi $a wff ( ph -> ps ) $. "
        "ax-1 $a |- ( ph -> ( ps -> ph ) ) $. ${ m.1 $e |- ph $. m.2 $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $} "
        f"one $p |- ( ph -> ( ps -> ( ph -> ps ) ) ) $= {proof} $. "
        "two $p |- ( ph -> ( ps -> ( ph -> ps ) ) ) $= ? $. "
    )
    theorem = environment.theorem("two")
    result = search(
        theorem,
        environment.open(theorem),
        Everything(),
        config=SearchConfig.model_validate({"limit": {"expansions": 50}}),
        accept=lambda path: (environment.verify(theorem, environment.write_proof(theorem, path)), None),
    )
    assert (result.status, result.refused) == (SearchStatus.PROVED, 0)
    assert set(result.tactics or ()) == {"ax-mp", "ax-1"}


def test_a_theorem_with_a_wrong_proof_can_be_proved(opened: Open) -> None:
    """What is wrong with its own proof is what a search is to mend."""
    environment = opened("th $p |- ( ph -> ph ) $= wph wph ax-1 $.")
    theorem = environment.theorem("th")
    assert isinstance(environment.open(theorem).initial(), Finished)
    assert environment.verify(theorem, environment.write_proof(theorem, ())).proved


def test_all_of_the_shipped_database_may_be_cited(prefix: MetamathEnvironment) -> None:
    library = prefix.library
    assert library.citable == (1 << len(library.provable)) - 1
    assert not library.tables.flaws


def told(path: Path, cache: Path) -> list[str]:
    """What a person is told of proofs as a database is opened."""
    lines: list[str] = []
    config = MetamathConfig(database=path)
    MetamathEnvironment(config, cache, lambda what, done, total: lines.append(what)).theorems()
    return [line for line in lines if "cited" in line]


def test_people_are_told_of_wrong_proofs(write: Callable[[str], Path], small: str, tmp_path: Path) -> None:
    """Once as a database is opened, whether it is prepared or only loaded; what isn't finished is no news."""
    path = write(small + FLAWED)
    for _ in range(2):
        (line,) = told(path, tmp_path / "cache")
        assert line.startswith(
            "small.mm: the proof of bad is wrong: the proof proves another statement; expected: |- ph; "
        )
        assert line.endswith(" (2 proofs are wrong). 5 theorems can't be cited for want of a proof")
    assert told(write(f"{small} open $p |- ph $= ? $."), tmp_path / "cache") == []


def test_several_processes_agree_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flaws and soundness are by position, whoever found them."""
    filler = "$( " + "x" * 4000 + " $) "
    proofs = ["wph id", "wps id", "?", "wph t1"]
    text = GOOD + "".join(f"t{n} $p |- ( ph -> ph ) $= {filler}{proofs[n % 4]} $.\n" for n in range(600))
    (tmp_path / "it.mm").write_text(text)
    database = read_database(tmp_path / "it.mm")
    found = []
    for jobs in (1, 2):
        monkeypatch.setattr("proofsearch_metamath.proofs.soundness.usable_processors", lambda jobs=jobs: jobs)
        found.append(examine(database))
    assert found[0] == found[1]
    assert len(found[0].flaws) == 300 and found[0].sound.count(False) == 450


# -- whatever a database holds -------------------------------------------------------------------------------------


def faults(database: Database) -> set[str]:
    """The theorems whose stored proofs the verifier refuses, one by one."""
    verifier, wrong = Verifier(database), set()
    for theorem in database.assertions.values():
        if theorem.kind == "p":
            try:
                verifier.check(theorem)
            except ProofError:
                wrong.add(theorem.label)
    return wrong


def check_prepared(path: Path) -> None:
    """A database is refused with a place, or prepared with every wrong proof named."""
    try:
        database = read_database(path)
    except MetamathError:
        database = None
    try:
        library = prepare(path, path.parent / "cache")
    except MetamathError as error:
        assert database is None or error.file is None or error.line >= 1
        return
    assert database is not None
    wrong = faults(database)
    assert {library.tables.labels[position] for position in library.tables.flaws} == wrong
    assert not wrong & labels(library, library.citable)
    environment = MetamathEnvironment(MetamathConfig(database=path), path.parent / "cache")
    for theorem in environment.theorems():
        environment.open(theorem).initial()
        environment.stored_proof_text(theorem)


@pytest.mark.parametrize("name", BROKEN_PROOFS)
def test_broken_proofs_are_no_reason_to_stop(name: str, tmp_path: Path) -> None:
    """A database is searched although some of its proofs are wrong, whatever is wrong with them."""
    text = BROKEN_PROOFS[name][2].replace("¶", "")
    path = tmp_path / "it.mm"
    path.write_text(text)
    check_prepared(path)
    library = prepare(path, tmp_path / "cache")
    assert library.tables.flaws, "it was prepared"


@pytest.mark.parametrize("name", BROKEN_DATABASES)
def test_broken_databases_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "more.mm").write_text("more $a wff q $.\n")
    path = tmp_path / "it.mm"
    path.write_bytes(BROKEN_DATABASES[name][1].replace("¶", "").encode())
    check_prepared(path)
    with pytest.raises(MetamathError):
        prepare(path, tmp_path / "cache")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES + WORDS), max_size=14))
def test_any_tokens_are_prepared_or_refused(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.mktemp("soup") / "it.mm"
    path.write_text(BASE + " ".join(words))
    check_prepared(path)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_proofs_are_prepared(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Every theorem's proof changed in some way: nothing but a verdict comes of it."""
    path = tmp_path_factory.mktemp("mutated") / "it.mm"
    path.write_text(GOOD)
    text, done, pieces = GOOD, 0, []
    for theorem in read_database(path).assertions.values():
        if theorem.kind == "p":
            begin = text.index("$=", theorem.start) + 2
            proof = mutated(data.draw, theorem.proof) or ("?",)
            pieces += [text[done:begin], f" {' '.join(proof)} $."]
            done = theorem.end
    path.write_text("".join(pieces) + text[done:])
    check_prepared(path)


@pytest.mark.parametrize("letters", ["U" * 200_000 + "A", "Z" * 50_000, "a" * 50_000, "A" * 100_000, "?" * 50_000])
def test_long_nonsense_is_soon_done(letters: str, tmp_path: Path) -> None:
    """Catches numbers of as many digits as there are letters."""
    (tmp_path / "it.mm").write_text(f"{GOOD} t $p |- ( ph -> ph ) $= ( id ) {letters} $.\n")
    tables = build(read_database(tmp_path / "it.mm"))
    assert isinstance(tables.flaws[tables.labels.index("t")], Flaw)
    assert is_compressed(read_database(tmp_path / "it.mm").assertions["t"].proof)
