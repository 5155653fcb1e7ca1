"""Which pairs are learnt from, and which of them only measured on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_transformers.finetuning.pairs import Answers, Pair, collect, library_pairs, trajectory_pairs

from proofsearch.engine import SearchResult, SearchStatus
from proofsearch.errors import InputError, UsageError
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Environment
from proofsearch.trainers.searches import LearnableSearches
from proofsearch.trajectory.table import Origin, new_search_id, to_table
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Demonstration, Finished, Goal, Rejected, State, Theorem, Verdict


def state(text: str) -> State:
    return State(text, (Goal(text),))


def pair(theorem: str, split: str = "train", text: str = "s", tactic: str = "t") -> Pair:
    return Pair(Theorem(theorem, f"show {theorem}", split=split), state(text), tactic)


class Library:
    """An environment with two steps a theorem, which notes whose proofs it is asked for."""

    def __init__(self, theorems: Sequence[Theorem]) -> None:
        self._theorems = theorems
        self.asked: list[str] = []

    def theorems(self) -> Sequence[Theorem]:
        return self._theorems

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        for theorem in theorems:
            self.asked.append(theorem.name)
            yield Demonstration(theorem, state(theorem.statement), "begin", 2)
            yield Demonstration(theorem, state("rest"), "end", 1)


def library(*splits: str) -> Library:
    return Library([Theorem(f"{split or 'none'}-{i}", f"show {i}", split=split) for i, split in enumerate(splits)])


def recorded(path: Path, theorem: str, split: str = "train", proved: bool = True, environment: str = "toy") -> Path:
    """A search that reaches b and c from a, and finishes at c."""
    graph = SearchGraph(state("a"))
    graph.expand(0, ["to b", "to c"], [-1.0, -2.0], [1, 1], [state("b"), state("c")], {}, 0.0)
    graph.expand(1, ["back"], [-1.0], [1], [state("a")], {}, 0.0)
    graph.expand(2, ["close"], [-1.0], [1], [], {0: Finished() if proved else Rejected("no")}, 0.0)
    graph.priority.extend([0.0] * (graph.num_nodes - len(graph.priority)))
    counts = {
        name: 0
        for name in SearchResult.__dataclass_fields__
        if name not in ("theorem", "status", "limit_hit", "tactics", "verdict", "messages", "graph")
    }
    result = SearchResult(
        theorem=theorem,
        status=SearchStatus.PROVED if proved else SearchStatus.LIMIT,
        limit_hit=None if proved else "expansions",
        tactics=("to c", "close") if proved else None,
        verdict=Verdict(True, "test") if proved else None,
        messages=(),
        graph=graph,
        **cast(Any, counts),
    )
    origin = Origin(environment=environment, generator="g", scorer="s", fingerprint="f")
    table = to_table(graph, result, Theorem(theorem, f"show {theorem}", split=split), origin, search_id=new_search_id())
    write_file(path, [table])
    return path


def test_the_library_is_not_even_asked_for_proofs_of_test_theorems() -> None:
    environment = library("train", "test", "validation", "", "test")
    pairs = list(library_pairs(cast(Environment, environment)))
    assert environment.asked == ["train-0", "validation-2"]
    assert [(pair.theorem.name, pair.state.text, pair.tactic) for pair in pairs] == [
        ("train-0", "show 0", "begin"),
        ("train-0", "rest", "end"),
        ("validation-2", "show 2", "begin"),
        ("validation-2", "rest", "end"),
    ]


def test_a_script_is_all_that_is_left_of_a_proof() -> None:
    pairs = list(library_pairs(cast(Environment, library("train")), Answers(steps=False, scripts=True)))
    assert [(pair.state.text, pair.tactic, pair.script) for pair in pairs] == [
        ("show 0", "begin\nend", True),
        ("rest", "end", True),
    ]
    both = collect(
        library_pairs(cast(Environment, library("train", "validation")), Answers(scripts=True)), share=0.5, seed=0
    )
    assert sorted((pair.state.text, pair.tactic, pair.script) for pair in both.train) == [
        ("rest", "end", False),
        ("rest", "end", True),
        ("show 0", "begin", False),
        ("show 0", "begin\nend", True),
    ]


def test_scripts_that_the_environment_would_not_get_back_are_left_out() -> None:
    class Joined:
        def split_script(self, script: str) -> list[str]:
            return [script]

    pairs = list(library_pairs(cast(Environment, library("train")), Answers(False, True, environment=Joined())))
    assert [pair.tactic for pair in pairs] == ["end"]
    short = Answers(steps=False, scripts=True, longest=1)
    assert [pair.tactic for pair in library_pairs(cast(Environment, library("train")), short)] == ["end"]


def test_other_answers_are_other_pairs() -> None:
    def of(answers: Answers) -> str:
        pairs = library_pairs(cast(Environment, library("train", "validation")), answers)
        return collect(pairs, share=0.5, seed=0).fingerprint()

    assert len({of(Answers()), of(Answers(scripts=True)), of(Answers(steps=False, scripts=True))}) == 3


def test_a_library_without_splits_is_learnt_from_whole() -> None:
    environment = library("", "")
    assert len(list(library_pairs(cast(Environment, environment)))) == 4


def test_an_environment_without_proofs_is_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="--lm-pairs trajectories"):
        list(library_pairs(cast(Environment, object())))


def test_of_a_recorded_search_the_found_proof_alone_is_learnt_from(tmp_path: Path) -> None:
    found = recorded(tmp_path / "found.parquet", "one")
    vain = recorded(tmp_path / "vain.parquet", "two", proved=False)
    pairs = list(trajectory_pairs(LearnableSearches([found, vain])))
    assert [(pair.theorem.name, pair.state.text, pair.tactic) for pair in pairs] == [
        ("one", "a", "to c"),
        ("one", "c", "close"),
    ]


def test_of_a_recorded_search_the_rest_of_the_found_proof_is_a_script(tmp_path: Path) -> None:
    found = recorded(tmp_path / "found.parquet", "one")
    pairs = list(trajectory_pairs(LearnableSearches([found]), Answers(steps=False, scripts=True)))
    assert [(pair.state.text, pair.tactic) for pair in pairs] == [("a", "to c\nclose"), ("c", "close")]


def test_searches_of_two_environments_are_refused(tmp_path: Path) -> None:
    paths = [recorded(tmp_path / "a.parquet", "one"), recorded(tmp_path / "b.parquet", "two", environment="other")]
    with pytest.raises(InputError, match=r"b\.parquet.*'other', expected 'toy'"):
        list(trajectory_pairs(LearnableSearches(paths)))


def test_a_theorem_that_one_source_holds_out_is_held_out_in_all() -> None:
    pairs = collect(
        [pair("a"), pair("b"), pair("a", "test"), pair("c", "validation"), pair("c", "train", "other")],
        share=0.5,
        seed=0,
    )
    assert [one.theorem.name for one in pairs.train] == ["b"]
    assert [(one.theorem.name, one.state.text) for one in pairs.validation] == [("c", "s"), ("c", "other")]
    assert pairs.left_out == 1


def test_what_is_recorded_of_a_theorem_holds_it_out_of_the_library_too() -> None:
    recorded = {"a": "test", "b": "validation", "c": "train", "elsewhere": "test", "nowhere": "validation"}
    pairs = collect([pair("a"), pair("b"), pair("c")], share=0.5, seed=0, recorded=recorded)
    assert [one.theorem.name for one in pairs.train] == ["c"]
    assert [one.theorem.name for one in pairs.validation] == ["b"]
    assert pairs.left_out == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["train", "validation", "test", ""]), st.integers(0, 2)),
        min_size=1,
    ),
    st.integers(0, 3),
)
def test_no_theorem_is_on_both_sides_and_none_of_the_split_test_on_any(
    steps: list[tuple[int, str, int]], seed: int
) -> None:
    made = [pair(f"t{number}", split, f"s{text}") for number, split, text in steps]
    held = {one.theorem.name for one in made if one.theorem.split == "test"}
    try:
        pairs = collect(made, share=0.2, seed=seed)
    except InputError:
        learnable = {one.theorem.name for one in made} - held
        assert learnable <= {one.theorem.name for one in made if one.theorem.split == "validation"}
        return
    train = {one.theorem.name for one in pairs.train}
    validation = {one.theorem.name for one in pairs.validation}
    assert train and not train & validation and not (train | validation) & held
    for side in (pairs.train, pairs.validation):
        keys = [(one.theorem.name, one.state.text, one.tactic) for one in side]
        assert len(keys) == len(set(keys))


def test_where_no_theorem_validates_a_share_is_drawn_by_seed_and_name_alone() -> None:
    made = [pair(f"t{number}") for number in range(20)]
    drawn = [{one.theorem.name for one in collect(made, share=0.2, seed=seed).validation} for seed in (0, 0, 1)]
    backwards = {one.theorem.name for one in collect(made[::-1], share=0.2, seed=0).validation}
    assert len(drawn[0]) == 4
    assert drawn[0] == drawn[1] == backwards != drawn[2]


def test_the_fingerprint_tells_other_pairs_and_other_sides_apart() -> None:
    one, other = pair("a"), pair("b")
    prints = {
        collect(made, share=0.5, seed=0).fingerprint()
        for made in (
            [one, pair("c", "validation")],
            [one, other, pair("c", "validation")],
            [one, pair("b", "validation"), pair("c", "validation")],
            [pair("a", tactic="u"), pair("c", "validation")],
        )
    }
    assert len(prints) == 4
