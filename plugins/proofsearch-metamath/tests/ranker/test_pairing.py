"""Goals beside assertions. Would catch: a compiled tower that says something else, or reads what is not there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.plugin import make_generator
from proofsearch_metamath.ranker.architecture import ROLES, Architecture
from proofsearch_metamath.ranker.config import RankerConfig
from proofsearch_metamath.ranker.pairing import Pairing
from proofsearch_metamath.ranker.reading import CONTEXT_ROWS, Role
from proofsearch_metamath.ranker.towers import AssertionVectors, Towers

from proofsearch.protocols import GenerationRequest, PolicyStatistics
from proofsearch.testing.builder import SampleBuilder
from proofsearch.types import Advanced, ProofState

native = pytest.importorskip("proofsearch_metamath._native", reason="the compiled part was not built")


def pairings(seed: int, width: int, surroundings: bool) -> tuple[Pairing, Pairing]:
    """The compiled one and the plain one, with the same random weights and nine assertions."""
    random = np.random.default_rng(seed)
    architecture = Architecture(rows=8, width=width, labels=3, surroundings=surroundings)
    tensors = {
        name: random.normal(0, 0.3, size=shape).astype(np.float32) for name, shape in architecture.shapes().items()
    }
    assertions = AssertionVectors(*(random.normal(size=shape).astype(np.float32) for shape in ((9, width), (9,))))
    found = []
    for plain in ("", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
            found.append(Pairing(Towers(architecture, tensors), assertions, 1.25))
    return found[0], found[1]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([1, 5, 16, 64, 70]), st.booleans(), st.lists(st.integers(0, 3), max_size=6)
)
def test_compiled_and_plain_agree(seed: int, width: int, surroundings: bool, roles: list[int]) -> None:
    random = np.random.default_rng(seed)
    compiled, plain = pairings(seed, width, surroundings)
    first = random.normal(size=width).astype(np.float32)
    others = [(Role(1 + role), random.normal(size=width).astype(np.float32)) for role in roles]
    context = random.integers(0, CONTEXT_ROWS, 3)
    numbers = np.sort(random.choice(7, size=5, replace=False))
    fixed = plain.towers.surroundings(others)
    whole = plain.towers.surroundings([(Role.FIRST, first)], fixed)
    for goals in (
        [pairing.look(first, whole, context, numbers, 7) for pairing in (compiled, plain)],
        [pairing.look_alone(first, fixed, context, numbers, 7) for pairing in (compiled, plain)],
    ):
        for one, other in zip(*goals, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
            assert one.dtype == other.dtype


def test_what_is_not_there_is_refused() -> None:
    compiled, _ = pairings(0, 16, True)
    first, context = np.ones(16, np.float32), np.zeros(1, np.int64)
    fixed = np.zeros((ROLES, 16), np.float32), (0,) * ROLES
    for numbers, rows, earlier in (([9], context, 9), ([-1], context, 9), ([5], context, 4), ([0], context, 99)):
        with pytest.raises(IndexError, match="assertion"):
            compiled.look_alone(first, fixed, rows, np.array(numbers), earlier)
    with pytest.raises(IndexError, match="contexts"):
        compiled.look_alone(first, fixed, np.array([CONTEXT_ROWS]), np.array([0]), 9)
    with pytest.raises(ValueError, match="float32"):
        compiled.look_alone(first[:8].copy(), fixed, context, np.array([0]), 9)
    with pytest.raises(ValueError, match="float32"):
        compiled.look(first, (fixed[0][:2].copy(), fixed[1]), context, np.array([0]), 9)
    tower = native.Towers(
        **compiled.towers.goal_tensors(),
        vectors=np.ones((9, 16), np.float32),
        biases=np.ones(9, np.float32),
        gaps=np.ones(10, np.float32),
    )
    with pytest.raises(IndexError, match="row"):
        tower.term(np.array([8]).tobytes(), np.array([1]).tobytes())
    with pytest.raises(TypeError, match="float32"):
        native.Towers(
            **{**compiled.towers.goal_tensors(), "table": np.ones((8, 16))}, vectors=first, biases=first, gaps=first
        )


@pytest.mark.parametrize("name", ["id", "syl3an9b", "vtoclgf"])
def test_how_sure_it_is_of_goals_is_the_same_compiled_and_plain(
    prefix: MetamathEnvironment, builder: SampleBuilder, name: str
) -> None:
    """Of the theorem, and of all that one step leads to."""
    said: list[list[PolicyStatistics]] = []
    for plain in ("", "1"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROOFSEARCH_PLAIN_PYTHON", plain)
            theorem = prefix.theorem(name)
            session = prefix.open(theorem)
            begun = session.initial()
            assert isinstance(begun, Advanced)
            outcomes = [session.step(begun.state, tactic) for tactic in session.moves(begun.state).listed()[:300]]
            states: Sequence[ProofState] = [begun.state, *(one.state for one in outcomes if isinstance(one, Advanced))]
            generator = make_generator(RankerConfig(), builder)
            said.append(list(generator.statistics([GenerationRequest(theorem, state) for state in states], 8)))
    assert len(said[0]) > 5
    for compiled, plain in zip(*said, strict=True):
        for one, other in zip((compiled, *compiled.goals), (plain, *plain.goals), strict=True):
            for field in dataclasses.fields(PolicyStatistics):
                if field.name != "goals":
                    mine, theirs = getattr(one, field.name), getattr(other, field.name)
                    assert math.isnan(mine) == math.isnan(theirs), field.name
                    assert math.isnan(mine) or mine == pytest.approx(theirs, rel=1e-4, abs=1e-4), field.name
