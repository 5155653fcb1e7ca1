"""Goals and states judged. Would catch: a compiled judge that says something else, or reads what is not there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.plugin import make_generator
from proofsearch_metamath.ranker.answers import Logits
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.config import RankerConfig
from proofsearch_metamath.ranker.judging import Judge
from proofsearch_metamath.ranker.pairing import Pairing
from proofsearch_metamath.ranker.reading import CONTEXT_ROWS, Role, SessionReader, SymbolTable
from proofsearch_metamath.ranker.towers import AssertionVectors, Towers
from proofsearch_metamath.search.session import session_of
from proofsearch_metamath.search.state import MetamathState

from proofsearch.models.confidence import summary_of
from proofsearch.protocols import GenerationRequest, PolicyStatistics
from proofsearch.testing.builder import SampleBuilder
from proofsearch.types import Advanced, ProofState

native = pytest.importorskip("proofsearch_metamath._native", reason="the compiled part was not built")

NAMES = ("id", "syl3an9b", "vtoclgf", "2a1d")
"""Theorems without hypotheses, with some, and with conditions on variables."""


def pairing(environment: MetamathEnvironment, seed: int, width: int, surroundings: bool) -> Pairing:
    """Random weights, for all of a database's assertions."""
    draw = np.random.default_rng(seed)
    architecture = Architecture(rows=64, width=width, labels=3, surroundings=surroundings)
    tensors = {
        name: draw.normal(0, 0.3, size=shape).astype(np.float32) for name, shape in architecture.shapes().items()
    }
    count = len(environment.library.provable)
    vectors, biases = (draw.normal(size=shape).astype(np.float32) for shape in ((count, width), (count,)))
    return Pairing(Towers(architecture, tensors), AssertionVectors(vectors, biases), 1.25)


def states_of(environment: MetamathEnvironment, name: str) -> list[MetamathState]:
    """A theorem's first state, and all that one step leads to."""
    session = environment.open(environment.theorem(name))
    begun = session.initial()
    assert isinstance(begun, Advanced)
    outcomes = [session.step(begun.state, tactic) for tactic in session.moves(begun.state).listed()[:300]]
    states = [begun.state, *(one.state for one in outcomes if isinstance(one, Advanced))]
    return [state for state in states if isinstance(state, MetamathState)]


def both(environment: MetamathEnvironment, name: str) -> list[tuple[list[MetamathState], SessionReader]]:
    """The same states, compiled and plain."""
    found = []
    for plain in ("", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
            states = states_of(environment, name)
            reader = SessionReader(session_of(states[0]), environment.library, SymbolTable(environment.library), 64)
            found.append((states, reader))
    return found


kept = cache(both)


def judges(
    environment: MetamathEnvironment, seed: int, name: str, width: int, surroundings: bool
) -> list[tuple[Judge, list[MetamathState], SessionReader]]:
    found = []
    for plain, (states, reader) in zip(("", "1"), kept(environment, name), strict=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
            random = pairing(environment, seed, width, surroundings)
            judge = Judge(session_of(states[0]), reader, random, environment.library.label_array)
            assert (judge._compiled is None) == bool(plain)
            found.append((judge, states, reader))
    return found


def assert_close(one: Logits, other: Logits) -> None:
    assert one.assertions.tolist() == other.assertions.tolist()
    for mine, theirs in ((one.logits, other.logits), (one.vector, other.vector)):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-4)
        assert mine.dtype == theirs.dtype


def assert_alike(one: PolicyStatistics, other: PolicyStatistics) -> None:
    for field in dataclasses.fields(PolicyStatistics):
        if field.name != "goals":
            mine, theirs = getattr(one, field.name), getattr(other, field.name)
            assert math.isnan(mine) == math.isnan(theirs), field.name
            assert math.isnan(mine) or mine == pytest.approx(theirs, rel=1e-3, abs=1e-3), field.name


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from(NAMES), st.sampled_from([1, 5, 16, 70]), st.booleans(), st.data())
def test_compiled_and_plain_agree(
    prefix: MetamathEnvironment, seed: int, name: str, width: int, surroundings: bool, data: st.DataObject
) -> None:
    compiled, plain = judges(prefix, seed, name, width, surroundings)
    at = data.draw(st.integers(0, len(plain[1]) - 1))
    looks = [judge.look(reader.read(states[at])) for judge, states, reader in (compiled, plain)]
    assert_close(*looks)
    goal = data.draw(st.integers(0, plain[1][at].num_goals - 1))
    alone = [(judge, states[at].open[goal][0]) for judge, states, _ in (compiled, plain)]
    assert_close(*[judge.look_alone(term) for judge, term in alone])
    (one, found), (other, _) = [judge.judge_alone(term, keep=True) for judge, term in alone]
    assert_alike(PolicyStatistics(*one), PolicyStatistics(*other))
    assert found is not None
    assert_close(found, compiled[0].look_alone(alone[0][1]))
    again, nothing = compiled[0].judge_alone(alone[0][1], keep=False)
    assert_alike(PolicyStatistics(*again), PolicyStatistics(*one))
    assert nothing is None


def test_hypotheses_come_before_assertions(prefix: MetamathEnvironment) -> None:
    for judge, states, reader in judges(prefix, 7, "2a1d", 16, True):
        closable = [state for state in states if reader.read(state).usable]
        assert closable
        reading = reader.read(closable[0])
        found = judge.look(reading)
        own = len(found.logits) - len(found.assertions)
        assert own == len(reading.usable) == len(reading.hypotheses)
        assert judge.names(found.assertions, own, np.arange(own)) == [f"hyp {number + 1}" for number in range(own)]


def test_what_is_not_there_is_refused(prefix: MetamathEnvironment) -> None:
    compiled, _ = judges(prefix, 0, "2a1d", 16, True)
    look, goal = compiled[0]._compiled.look, compiled[1][0].open[0][0]
    rows, none, first = np.zeros(1, np.int64), np.zeros(0, np.int64), [(Role.FIRST, goal)]
    earlier = prefix.library.before(prefix.library.frames["2a1d"].position)
    for number in (len(prefix.library.provable), -1, earlier + 1):
        with pytest.raises(IndexError, match="assertion"):
            look(first, rows, np.array([number]), [])
    with pytest.raises(IndexError, match="contexts"):
        look(first, np.array([CONTEXT_ROWS]), none, [])
    with pytest.raises(IndexError, match="hypothesis"):
        look(first, rows, none, [9])
    for role in (Role.TARGET, len(Role), -1):
        with pytest.raises(ValueError, match="role"):
            look([(role, goal)], rows, none, [])
    for parts in ([(Role.FIRST, 1 << 30)], 1 << 30, -1):
        with pytest.raises(IndexError):
            look(parts, rows, none, [])
    with pytest.raises(TypeError, match="part"):
        look([goal], rows, none, [])
    with pytest.raises(TypeError, match="1 to 64"):
        compiled[0]._compiled.alone(goal, rows, none, [], 65, False)


def test_weights_of_other_shapes_are_refused(prefix: MetamathEnvironment) -> None:
    tensors = pairing(prefix, 0, 16, True).towers.goal_tensors()
    others = {
        "vectors": np.ones((9, 16), np.float32),
        "biases": np.ones(9, np.float32),
        "gaps": np.ones(10, np.float32),
    }
    native.Towers(**tensors, **others)
    with pytest.raises(TypeError, match="float32"):
        native.Towers(**{**tensors, "table": np.ones((8, 16))}, **others)
    with pytest.raises(ValueError, match="shapes"):
        native.Towers(**{**tensors, "inner": np.ones((8, 16), np.float32)}, **others)


@pytest.mark.parametrize("name", ["id", "syl3an9b", "vtoclgf"])
def test_how_sure_it_is_of_goals_is_the_same_compiled_and_plain(
    prefix: MetamathEnvironment, builder: SampleBuilder, name: str
) -> None:
    """With the weights that are shipped, of the theorem, and of all that one step leads to."""
    said: list[list[PolicyStatistics]] = []
    for plain in ("", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
            states: Sequence[ProofState] = states_of(prefix, name)
            generator = make_generator(RankerConfig(), builder)
            theorem = prefix.theorem(name)
            requests = [GenerationRequest(theorem, state) for state in states]
            summaries = make_generator(RankerConfig(), builder).summaries(requests, 8)
            said.append(list(generator.statistics(requests, 8)))
            expected = [summary_of(one) for one in said[-1]]
            np.testing.assert_allclose(summaries, expected, rtol=1e-12, equal_nan=True)
            # Of states whose goals are known, and of those that are chosen by what is known.
            np.testing.assert_array_equal(generator.summaries(requests, 8), summaries)
    assert len(said[0]) > 5
    for compiled, plain in zip(*said, strict=True):
        for one, other in zip((compiled, *compiled.goals), (plain, *plain.goals), strict=True):
            assert_alike(one, other)
