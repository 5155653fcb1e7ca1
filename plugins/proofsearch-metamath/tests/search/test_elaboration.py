"""From a path to a proof: short, whole, with every metavariable filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.proofs.graph import proof_graph
from proofsearch_metamath.proofs.statement import ProofText, read_proof_text
from proofsearch_metamath.search.elaboration import replay

from proofsearch import Advanced, Finished, ProofState
from proofsearch.errors import ProofError

Open = Callable[..., MetamathEnvironment]


def proof_of(environment: MetamathEnvironment, name: str, *tactics: str) -> str:
    """The text of a path's proof, which must verify."""
    theorem = environment.theorem(name)
    text = environment.write_proof(theorem, tactics)
    verdict = environment.verify(theorem, text)
    assert verdict.proved, verdict.message
    return text


def steps_of(environment: MetamathEnvironment, name: str, *tactics: str) -> list[str]:
    """The labels of the proof's asserting steps, from the numbered lines that a person reads."""
    text = proof_of(environment, name, *tactics)
    lines = environment.explain(environment.theorem(name), text).splitlines()
    labels = environment.library.provable_labels
    return [next(word for word in line.split()[1:] if word in labels or "." in word) for line in lines]


def test_a_path_becomes_a_proof(opened: Open) -> None:
    environment = opened()
    assert steps_of(environment, "syl", "mpd", "a1i", "hyp 1") == ["syl.1", "syl.2", "a1i", "mpd"]


def test_what_closes_at_once_becomes_a_proof(opened: Open) -> None:
    environment = opened(
        "th $p |- ( ph -> ( ps -> ph ) ) $= ? $. ${ h.1 $e |- ps $. h.2 $e |- ph $. th2 $p |- ph $= ? $. $}"
    )
    assert steps_of(environment, "th") == ["ax-1"]
    assert steps_of(environment, "th2") == ["h.2"]


def walk(environment: MetamathEnvironment, name: str, *rules: tuple[str, str]) -> list[str]:
    """The path that takes, for each goal, the tactic of the first rule whose pattern it matches."""
    session = environment.open(environment.theorem(name))
    outcome = session.initial()
    path: list[str] = []
    while isinstance(outcome, Advanced):
        assert len(path) < 20
        goal = outcome.state.goals[0].text
        path.append(next(tactic for pattern, tactic in rules if re.fullmatch(pattern, goal)))
        outcome = session.step(outcome.state, path[-1])
    assert isinstance(outcome, Finished), (path, outcome)
    return path


def test_a_detour_is_left_out(opened: Open) -> None:
    """By syl and id the path comes back to the statement that it began with, and then proves it."""
    environment = opened("${ h.1 $e |- ps $. th $p |- ( ph -> ps ) $= ? $. $}")
    assert steps_of(environment, "th", "syl", "id", "a1i") == ["h.1", "a1i"]


TWO = (
    "${ t.1 $e |- ph $. t.2 $e |- ps $. two $a |- ( ph -> ps ) $. $} "
    "${ l.1 $e |- A. x ( ph -> ph ) $. l.2 $e |- ph $. long $a |- A. x ph $. $} "
    "th $p |- ( ( T. -> A. x x = x ) -> ( ph -> A. x x = x ) ) $= ? $. "
)


def test_each_statement_is_proved_by_its_shortest_subproof(opened: Open) -> None:
    """The path proves A. x x = x twice, once the long way and once the short way."""
    environment = opened(TWO)
    session = environment.open(environment.theorem("th"))
    path = ["two", "a1i", "long", "ax-gen", "a1i", "ax-gen"]
    outcome = session.initial()
    for tactic in path:
        assert isinstance(outcome, Advanced)
        outcome = session.step(outcome.state, tactic)
    assert isinstance(outcome, Finished)
    proof = read_proof_text(proof_of(environment, "th", *path)).proof
    assert "ax-gen" in proof
    assert "long" not in proof


def test_merged_goals_share_their_proof(opened: Open) -> None:
    environment = opened(
        "${ t.1 $e |- ( ph -> ch ) $. t.2 $e |- ( ps -> ch ) $. t.3 $e |- ch $. or $a |- ( ph -> ( ps -> ch ) ) $. $} "
        "th $p |- ( T. -> ( T. -> A. x x = x ) ) $= ? $."
    )
    path = ["or", "ax-gen", "a1i", "ax-gen"]
    root = replay(environment.open(environment.theorem("th")), path)
    assert [child.label for child in root.children] == ["a1i", "a1i", "ax-gen"]
    assert root.children[0] is root.children[1]
    assert steps_of(environment, "th", *path) == ["ax-eq", "ax-gen", "a1i", "or"]


def test_a_metavariable_that_nothing_determines_gets_a_closed_term(opened: Open) -> None:
    environment = opened(
        "${ f.1 $e |- ( ps -> ps ) $. f.2 $e |- A = A $. free $a |- ( ph -> ch ) $. $} th $p |- ( ph -> B = C ) $= ? $."
    )
    text = proof_of(
        environment, "th", *walk(environment, "th", (r".*->.*B = C.*", "free"), (r".*->.*", "id"), (".*", "ax-eq"))
    )
    assert "$d" not in text
    assert {"wtru", "c0"} <= set(read_proof_text(text).proof)


def test_a_metavariable_becomes_a_dummy_where_no_term_is_closed(opened: Open, small: str) -> None:
    """The dummy is a variable that is active and not the theorem's, kept apart from all others."""
    before, rest = small.split("wtru $a")
    more = (
        "${ f.1 $e |- ( ps -> ps ) $. free $a |- ( ph -> ch ) $. $} "
        "${ z.1 $e |- A. y A. z ( ph -> y = z ) $. bound $a |- ( ph -> ps ) $. $} "
        "${ $d y z $. every $a |- A. y A. z ( ph -> y = z ) $. $} "
        "th $p |- ( ph -> A. x ps ) $= ? $. "
    )
    environment = opened(start=f"{before}{more}\nwtru $a{rest}")
    read = read_proof_text(proof_of(environment, "th", "free", "id"))
    assert pairs(read) == {frozenset(pair) for pair in (("ch", "ph"), ("ch", "ps"), ("ch", "x"))}
    assert "wch" in read.proof
    read = read_proof_text(proof_of(environment, "th", "bound", "every"))
    assert pairs(read) == {frozenset(pair) for pair in combinations(("y", "z", "x", "ph", "ps"), 2)} - {
        frozenset(pair) for pair in combinations(("x", "ph", "ps"), 2)
    }


def pairs(text: ProofText) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in text.disjoint}


def test_dummies_of_steps_that_are_left_out_are_not_kept_apart(opened: Open) -> None:
    """A $d for a variable that the proof doesn't use would be noise."""
    environment = opened(
        "all $a |- A. x x = x $. "
        "${ d.1 $e |- A. x x = x $. d.2 $e |- ( ph -> ps ) $. d.3 $e |- ( ps -> ch ) $. dsyl $a |- ( ph -> ch ) $. $} "
        "${ h.1 $e |- ps $. th $p |- ( ph -> ps ) $= ? $. $}"
    )
    rest = ["dsyl"]
    session = environment.open(environment.theorem("th"))
    outcome = session.step(session.initial().state, "dsyl")
    while isinstance(outcome, Advanced):
        goal = outcome.state.goals[0].text
        rest.append("all" if goal.startswith("|- A.") else "id" if "&" in goal else "a1i")
        outcome = session.step(outcome.state, rest[-1])
    assert isinstance(outcome, Finished)
    assert set(rest) == {"dsyl", "all", "id", "a1i"}
    assert "$d" not in proof_of(environment, "th", *rest)


def test_no_variable_is_left(opened: Open) -> None:
    """An error that says what is missing, not a proof that fails."""
    environment = opened(
        start="$c wff setvar |- A. $. $v ph x $. wph $f wff ph $. vx $f setvar x $. wal $a wff A. x ph $. "
        "${ $v y $. vy $f setvar y $. $d x y $. f.1 $e |- A. y A. x ph $. ax $a |- A. x ph $. $} "
        "${ $v y $. wy $f setvar y $. every $a |- A. y A. x ph $. $} th $p |- A. x ph $= ? $."
    )
    theorem = environment.theorem("th")
    with pytest.raises(ProofError, match="th: no variable of typecode 'setvar' is left for what the proof leaves open"):
        environment.write_proof(theorem, ("ax", "every"))


FEW = """$c wff setvar |- A. E. $. $v ph x y $. wph $f wff ph $. vx $f setvar x $. vy $f setvar y $.
wal $a wff A. x ph $. wex $a wff E. x ph $.
${ $v z w $. vz $f setvar z $. vw $f setvar w $.
  ${ u.1 $e |- A. z A. w ph $. un $a |- ph $. $}
  ${ $d z w $. d.1 $e |- A. z A. w ph $. dun $a |- ph $. $}
  ${ $d z ph $. o.1 $e |- A. z A. w ph $. oun $a |- ph $. $}
  ${ $d z ph $. $d w ph $. $d z w $. a.1 $e |- A. z A. w ph $. aun $a |- ph $. $}
  every $a |- A. z A. w ph $. $}
"""
"""A logic in which a proof may leave two variables open, with more or fewer conditions, and that has two of them."""


@pytest.mark.parametrize(
    ("tactic", "theorem", "opens"),
    [
        ("un", "ph", ("x", "y")),  # enough for both
        ("un", "E. x ph", ("x", "x")),  # one for both, the theorem's own
        ("un", "E. x E. y ph", ("x", "x")),
        ("dun", "E. x ph", ("x", "y")),  # one of each
        ("dun", "E. x E. y ph", ("x", "y")),  # kept apart by the theorem's $d
        ("oun", "E. x ph", ("y", "y")),  # what must not occur in it can't be its own
        ("aun", "ph", ("x", "y")),
    ],
)
def test_few_variables_are_enough(tactic: str, theorem: str, opens: tuple[str, str], opened: Open) -> None:
    """Catches a finished proof that is refused although a variable could be used twice, or one of the theorem's."""
    environment = opened(start=f"{FEW} ${{ $d x y $. th $p |- {theorem} $= ? $. $}}")
    text = proof_of(environment, "th", tactic, "every")
    frame = environment.library.frames["th"]
    node = proof_graph(environment.library.database, frame, read_proof_text(text).proof)
    assert node.label == tactic
    order = environment.library.frames[tactic].order
    children = dict(zip(order, [child.label for child in node.children], strict=True))
    assert (children["vz"], children["vw"]) == tuple(f"v{name}" for name in opens)
    own = {variable for variable in ("x", "y") if variable in theorem.split()}
    assert ("$d" in text) == bool(set(opens) - own)


def test_too_few_variables(opened: Open) -> None:
    """Three that must differ, and two that there are."""
    environment = opened(start=f"{FEW} th $p |- E. x ph $= ? $.")
    with pytest.raises(ProofError, match="th: no variable of typecode 'setvar' is left"):
        environment.write_proof(environment.theorem("th"), ("aun", "every"))


def test_three_variables_are_enough_where_four_were_wanted(opened: Open) -> None:
    """A theorem that uses all variables, and a proof that leaves a formula open."""
    environment = opened(
        start="$c ( ) -> wff |- $. $v ph ps ch $. wph $f wff ph $. wps $f wff ps $. wch $f wff ch $. "
        "wi $a wff ( ph -> ps ) $. ax-1 $a |- ( ph -> ( ps -> ph ) ) $. "
        "ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $. "
        "${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $} "
        "${ a1i.1 $e |- ph $. a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $} "
        "t $p |- ( ( ph -> ps ) -> ( ch -> ch ) ) $= ? $."
    )
    assert "$d" not in proof_of(environment, "t", "a1i", "ax-mp", "ax-mp", "ax-1", "ax-1", "ax-2")


@pytest.mark.parametrize(
    ("tactics", "message"),
    [
        ((), "leaves goals open"),
        (("mpd",), "leaves goals open"),
        (("mpd", "a1i"), "leaves goals open"),
        (("mpd", "ax-1"), "step 2 of the path, 'ax-1', does not apply"),
        (("syl",), "step 1 of the path, 'syl', does not apply: .* does not stand before syl"),
        (("mpd", "a1i", "hyp 2"), "step 3 of the path, 'hyp 2', does not apply"),
        (("mpd", "a1i", "hyp 1", "id"), "finished before its step 4, 'id'"),
    ],
)
def test_paths_that_do_not_finish(tactics: tuple[str, ...], message: str, opened: Open) -> None:
    environment = opened()
    with pytest.raises(ProofError, match=message):
        environment.write_proof(environment.theorem("syl"), tactics)


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_finished_path_of_a_small_search_is_a_proof(when: str, opened: Open, small: str) -> None:
    """Soundness: what the session calls finished can be written and verified, with every $d, dummy and merge.

    Before and after ``T.``, for metavariables that must be without variables.
    """
    before, rest = small.split("wtru $a")
    more = (
        "$v th ta et ze $. wth $f wff th $. wta $f wff ta $. wet $f wff et $. wze $f wff ze $. "
        "$v u v w t $. vu $f setvar u $. vv $f setvar v $. vw $f setvar w $. vt $f setvar t $. "
        "${ $d ph ps $. s.1 $e |- ( ph -> ps ) $. s.2 $e |- ( ps -> ch ) $. sep $a |- ( ph -> ch ) $. $} "
        "${ $d x ph $. u.1 $e |- A. x ( ph -> ps ) $. unal $a |- ( ph -> ps ) $. $} "
        "${ $d x A $. $d x y $. v.1 $e |- A. x ( x = A -> y = A ) $. vtocl $a |- ( A = y -> y = A ) $. $} "
        "${ f.1 $e |- ( ps -> ps ) $. free $a |- ( ch -> ( ph -> ch ) ) $. $} "
        "${ $d x y $. h.1 $e |- ( ph -> A. x ph ) $. h.2 $e |- A. x A. y x = y $. h.3 $e |- ( x = y -> ph ) $. "
        "a $p |- ( ph -> A. y A. x ph ) $= ? $. b $p |- ( x = y -> A. x ( ps -> ph ) ) $= ? $. "
        "c $p |- ( A. x ps -> ( ps -> ps ) ) $= ? $. d $p |- ( x = y -> A. x ph ) $= ? $. $} "
    )
    axioms = re.sub(r"\$p(.*?)\$=.*?\$\.", r"$a\1$.", before, flags=re.DOTALL)
    axioms = re.sub(r"weq.*?\$\.", "", axioms)
    tail = re.sub(r"\$p(.*?)\$=.*?\$\.", r"$a\1$.", rest, flags=re.DOTALL)
    parts = (axioms, more, f"wtru $a{tail}") if when == "before" else (axioms, f"wtru $a{tail}", more)
    environment = opened(start="\n".join(parts))
    proofs = with_dummies = 0
    for name in "abcd":
        theorem = environment.theorem(name)
        session = environment.open(theorem)
        outcome = session.initial()
        assert isinstance(outcome, Advanced)
        frontier: list[tuple[tuple[str, ...], ProofState]] = [((), outcome.state)]
        seen = set()
        for _ in range(5):
            following = []
            for path, state in frontier:
                for tactic in session.moves(state).listed():
                    outcome = session.step(state, tactic)
                    if isinstance(outcome, Finished):
                        with_dummies += "$d" in proof_of(environment, name, *path, tactic)
                        proofs += 1
                    elif isinstance(outcome, Advanced) and outcome.state.key not in seen:
                        seen.add(outcome.state.key)
                        following.append(((*path, tactic), outcome.state))
            frontier = sorted(following, key=lambda found: found[1].num_goals)[:120]
    assert proofs > 50
    assert with_dummies > 5


def test_a_proof_too_deep_is_an_error_not_a_crash(opened: Open) -> None:
    """Each step wraps what an earlier one left open: the goals stay small, and the proof's expressions don't."""
    environment = opened(
        "${ s.1 $e |- A. x ph $. some $a |- A = B $. $} "
        "${ t.1 $e |- A. x ph $. wrap $a |- A. x ( ph -> T. ) $. $} "
        "base $a |- A. x T. $. th $p |- A = B $= ? $."
    )
    proof_of(environment, "th", "some", *["wrap"] * 190, "base")
    with pytest.raises(ProofError, match=r"th: the proof holds a term .* deep; no proof is written"):
        environment.write_proof(environment.theorem("th"), ("some", *["wrap"] * 400, "base"))
