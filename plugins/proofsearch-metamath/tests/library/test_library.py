"""The prepared library: frames as the reader has them, an index that loses nothing, terms without variables."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.database.reader import read_database
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.prepare import prepare
from proofsearch_metamath.search.state import MetamathState

from proofsearch import Advanced

FIELDS = ("label", "kind", "position", "expression", "floats", "essentials", "order", "disjoint", "start", "end")


@pytest.fixture
def library(small: str, write: Callable[[str], Path], tmp_path: Path) -> Library:
    return prepare(write(small), tmp_path / "cache")


def same_frames(library: Library, path: Path) -> None:
    database = read_database(path)
    assert list(library.frames) == list(database.assertions)
    for label, expected in database.assertions.items():
        made = library.frames[label]
        assert [getattr(made, name) for name in FIELDS] == [getattr(expected, name) for name in FIELDS]
    again = library.database
    assert dict(again.floats) == dict(database.floats)
    assert dict(again.essentials) == dict(database.essentials)
    assert dict(again.float_spans) == dict(database.float_spans)


def test_frames_are_the_readers(library: Library, tmp_path: Path) -> None:
    """The verifier trusts these frames; a wrong hypothesis or $d here would accept a wrong proof."""
    same_frames(library, tmp_path / "small.mm")


def test_frames_of_the_prefix_are_the_readers(prefix: MetamathEnvironment) -> None:
    same_frames(prefix.library, prefix.path)


def test_patterns_are_the_parsed_statements(library: Library) -> None:
    rules = {rule.label: number for number, rule in enumerate(library.rules)}
    pattern = library.pattern(library.provable_index["a2i"])
    wi = rules["wi"]
    assert pattern.conclusion == (wi, (wi, 0, 1), (wi, 0, 2))
    assert pattern.hypotheses == ((wi, 0, (wi, 1, 2)),)
    assert [library.typecodes[code] for code in pattern.typecodes] == ["wff", "wff", "wff"]
    assert pattern.disjoint == ()
    assert library.pattern(library.provable_index["ax-5"]).disjoint == ((0, 1),)
    eight = library.pattern(library.provable_index["ax-two"])
    wal, wceq, cv = rules["wal"], rules["wceq"], rules["cv"]
    equal = (wceq, (cv, 0), (cv, 1)), (wceq, (cv, 1), (cv, 0))
    assert eight.conclusion == (wal, (wal, (wi, *equal), 1), 0), "arguments stand in the order of the $f"


def test_patterns_have_the_frames_variables_and_conditions(prefix: MetamathEnvironment) -> None:
    library = prefix.library
    conditions = 0
    for index in range(0, len(library.provable_labels), 7):
        frame, pattern = library.frames[library.provable_labels[index]], library.pattern(index)
        assert pattern.label == frame.label
        assert [library.typecodes[typecode] for typecode in pattern.typecodes] == [one.typecode for one in frame.floats]
        variables = [floating.variable for floating in frame.floats]
        named = {(variables[one], variables[other]) for one, other in pattern.disjoint}
        assert named == set(frame.disjoint)
        conditions += len(named)
    assert conditions > 20


def test_syntax_axioms_and_syntax_theorems_cannot_be_applied(library: Library) -> None:
    assert not {"wi", "weq", "wtru"} & library.provable_index.keys()
    assert library.before(library.frames["id"].position) == library.provable_index["id"]


def test_bit_sets_round_trip(library: Library) -> None:
    for members in ([], [0], [3, 5], list(range(len(library.provable)))):
        assert library.array_of(library.bits_of(np.array(members, dtype=np.int64))).tolist() == members


def states(environment: MetamathEnvironment, seed: int, theorems: int, steps: int) -> list[MetamathState]:
    """States that random walks meet."""
    draw = random.Random(seed)
    met: list[MetamathState] = []
    for theorem in draw.sample(list(environment.theorems()), theorems):
        session = environment.open(theorem)
        outcome = session.initial()
        reached = [outcome.state] if isinstance(outcome, Advanced) else []
        for _ in range(steps if reached else 0):
            state = draw.choice(reached)
            moves = session.moves(state).listed()
            outcome = session.step(state, draw.choice(moves)) if moves else outcome
            if isinstance(outcome, Advanced):
                reached.append(outcome.state)
        met += [state for state in reached if isinstance(state, MetamathState)]
    return met


def everything_that_applies(state: MetamathState) -> set[int]:
    """By brute force: every earlier assertion that unifies with the first goal."""
    session = state.session
    found = set()
    for index in range(session._target.earlier):
        pattern = session._library.pattern(index)
        if session._unifier.apply(state.open[state.focus][0], pattern) is not None:
            found.add(index)
    return found


def test_the_index_of_conclusions_loses_nothing(prefix: MetamathEnvironment) -> None:
    """An assertion that unifies but isn't a candidate would never be tried."""
    checked = narrowed = 0
    for state in states(prefix, seed=1, theorems=12, steps=6):
        candidates = state.session.choices.candidates(state.open[state.focus][0]).tolist()
        assert everything_that_applies(state) <= set(candidates)
        checked += 1
        narrowed += len(candidates) < state.session._target.earlier / 4
    assert checked > 30
    assert narrowed > checked / 3, "an index that lets everything through would pass"


def test_the_index_takes_more_children_than_it_has_paths_for(write: Callable[[str], Path], tmp_path: Path) -> None:
    """The sixteenth child and all after it share a path."""
    names = [f"v{number}" for number in range(20)]
    floats = "".join(f"f{name} $f wff {name} $. " for name in names)
    path = write(
        f"$c wff |- [ ] n $. $v {' '.join(names)} $. {floats}"
        f"big $a wff [ {' '.join(names)} ] $. neg $a wff n v0 $. ax $a |- [ {' '.join([*names[:18], 'n v0 v1'])} ] $. "
        f"ax2 $a |- [ {' '.join([*names[:17], 'n v0 v1 v2'])} ] $. "
        f"th $p |- [ {' '.join([*['n v1'] * 18, 'n n v1 n v1'])} ] $= ? $."
    )
    environment = MetamathEnvironment(MetamathConfig(database=path), tmp_path / "cache")
    session = environment.open(environment.theorem("th"))
    pattern = environment.library.pattern(environment.library.provable_index["th"])
    candidates = session.choices.candidates(session._embed(pattern.conclusion))
    labels = environment.library.provable_labels
    assert [labels[index] for index in candidates.tolist()] == ["ax", "ax2"]
    assert session.root_closed_by() == "ax", "the other wants an n where there is none"


def test_terms_without_variables(library: Library) -> None:
    """Before ``wtru`` no formula is without variables, so a metavariable that must be one can't be chosen."""
    wff, setvar, class_ = (library.typecodes.index(name) for name in ("wff", "setvar", "class"))
    frames = library.frames
    assert library.closed_terms.keys() == {wff, class_}
    assert library.closed_terms[wff][0] == frames["wtru"].position
    assert library.closed_terms[class_][0] == frames["c0"].position
    assert library.variable_only(frames["id"].position) == {wff, setvar, class_}
    assert library.variable_only(frames["wtru"].position) == {wff, setvar, class_}
    assert library.variable_only(frames["tru"].position) == {setvar, class_}
    assert library.variable_only(frames["a1tru"].position) == {setvar}


def test_a_closed_term_may_be_made_of_others(write: Callable[[str], Path], tmp_path: Path) -> None:
    """As in ql.mm and demo0.mm, whose formulas are all made of terms; the earliest one counts."""
    library = prepare(
        write(
            "$c wff term |- 0 1 = $. $v a b $. fa $f term a $. fb $f term b $. "
            "eq $a wff a = b $. t1 $a term 1 $. ax $a |- a = a $. t0 $a term 0 $."
        ),
        tmp_path / "cache",
    )
    one = (1,)
    position, closed = library.closed_terms[library.typecodes.index("wff")]
    assert (position, closed) == (library.frames["t1"].position, (0, one, one))
