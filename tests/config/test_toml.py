"""Would catch: a configuration that comes back different, or a typing error that is swallowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import (
    ExecutionConfig,
    IterateConfig,
    LimitConfig,
    PriorityConfig,
    RunConfig,
    SearchConfig,
    SelectionConfig,
    TrainConfig,
)
from proofsearch.config.toml import from_toml, from_whole_toml, to_toml
from proofsearch.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
CONFIGS = st.builds(
    RunConfig,
    env=TEXT,
    seed=st.integers(-(2**63), 2**63 - 1),
    trajectories=st.booleans(),
    select=st.builds(
        SelectionConfig, theorems=st.lists(TEXT, max_size=3).map(tuple), file=st.none() | TEXT, split=st.none()
    ),
    search=st.builds(
        SearchConfig,
        max_depth=st.none() | st.integers(1, 99),
        limit=st.builds(LimitConfig, expansions=st.none() | st.integers(0, 9), seconds=st.none() | st.just(1.5)),
        priority=st.builds(PriorityConfig, kind=st.just("mix"), value_weight=st.none() | st.floats(0, 1)),
    ),
    execution=st.builds(ExecutionConfig, timeout=st.none() | st.just(3.0)),
    options=st.dictionaries(TEXT, st.dictionaries(TEXT, SCALARS, max_size=3), max_size=3),
)


@given(CONFIGS)
def test_configurations_come_back_equal(config):
    assert from_toml(to_toml(config), "config.toml") == config


def test_no_bound_is_not_the_default_bound():
    config = RunConfig(search=SearchConfig(limit=LimitConfig(expansions=None)))
    assert 'unset = [\n    "search.limit.expansions",\n]' in to_toml(config)
    assert from_toml(to_toml(config), "config.toml").search.limit.expansions is None
    assert "unset" not in to_toml(RunConfig())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed =", r"c\.toml: not valid TOML: "),
        ("sead = 1", r"c\.toml: sead: .*did you mean 'seed'"),
        ("[search]\ncandidates = 0", r"c\.toml: search\.candidates: .*greater than or equal to 1, found 0"),
        ("unset = 3", r"c\.toml: unset must be a list"),
        ("unset = ['a b']", r"c\.toml: unset holds 'a b', which is no dotted name"),
        ("unset = ['env.x']\nenv = 'lean'", r"c\.toml: unset holds 'env\.x', but 'env' is no table"),
        ("seed = 1\nunset = ['seed']", r"c\.toml: seed has a value and also stands in 'unset'"),
        ("unset = ['seed']", r"c\.toml: seed: [Ii]nput should be a valid integer, found None"),
    ],
)
def test_faults_are_named(text, message):
    with pytest.raises(InputError, match=message):
        from_toml(text, "c.toml")


@pytest.mark.parametrize("model", [RunConfig, TrainConfig, IterateConfig])
def test_a_file_that_was_emptied_or_cut_is_not_taken_for_a_whole_one(model):
    """What is missing would mean its default, and the run would go on with other limits."""
    whole = to_toml(model(seed=7))
    assert from_whole_toml(whole, "a.toml", model) == model(seed=7)
    with pytest.raises(InputError, match=r"a\.toml: damaged: emptied or cut: .* must be there"):
        from_whole_toml("", "a.toml", model)
    lines = whole.splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if line.startswith("attempts"))
    for length in range(last + 1):
        with pytest.raises(InputError, match=r"a\.toml"):
            from_whole_toml("".join(lines[:length]), "a.toml", model)
