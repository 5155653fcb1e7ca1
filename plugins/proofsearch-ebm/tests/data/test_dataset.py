"""From recorded searches to labelled states: what is positive, negative, unknown, dropped, and never mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proofsearch_ebm.data import rows as rows_module
from proofsearch_ebm.data.dataset import build_dataset
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.data.row_file import RowFile
from proofsearch_ebm.data.rows import Memory

from proofsearch.errors import InputError

SCRIPT = [
    ("root", ["a", "b", "no", "c"]),
    ("a", ["a1", "a2"]),
    ("a1", ["no"]),
    ("b", ["b1 & x", "d", "root"]),
    ("b1 & x", ["qed"]),
]
"""root → b → b1 & x → proof; a1 is a dead end, a is not searched out, and a2, c and d were never expanded."""


def replaced(table, column, values):
    at = table.column_names.index(column)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))


# ------------------------------------------------------------------------------------------------------------ labels


def test_labels_say_only_what_the_search_knows(table, build, states_by_text):
    dataset = build(table("t", SCRIPT))
    ids = states_by_text(dataset, 0, "root", "a", "b", "c", "a1", "a2", "b1 & x", "d")
    assert len(ids) == dataset.num_states == 8
    label = {text: int(dataset.label[state]) for text, state in ids.items()}
    assert label == {"root": 1, "b": 1, "b1 & x": 1, "a1": 0, "a": 0, "a2": -1, "c": -1, "d": -1}
    assert [dataset.remaining[ids[text]] for text in ("root", "b", "b1 & x", "a", "c")] == [3, 2, 1, -1, -1]
    assert dataset.depth[ids["b1 & x"]] == 2
    assert dataset.num_goals[ids["b1 & x"]] == 2
    assert dataset.length[ids["b1 & x"]] == len("b1 & x")
    assert dataset.logprob[ids["b1 & x"]] == pytest.approx(-0.75)
    assert (dataset.environment, dataset.environment_fingerprint) == ("toy", "f1")
    assert (dataset.generators, dataset.scorers) == (("policy",), ("demonstration",))


@given(st.integers(1, 6), st.lists(st.integers(0, 2), min_size=3, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_what_was_not_expanded_is_never_negative(table, build, min_expansions, widths):
    # Would catch the fault of calling a whole frontier negative because somewhere else a proof was found.
    script, waiting, made = [], ["s0"], 0
    for turn, width in enumerate(widths):
        if not waiting:
            break
        text = waiting.pop(turn % len(waiting))
        steps = [f"s{made + place + 1}" for place in range(width)]
        made += width
        waiting += steps
        script.append((text, steps))
    script[-1] = (script[-1][0], [*script[-1][1], "qed"])
    dataset = build(table("t", script), min_expansions=min_expansions)
    (search,) = dataset.theorems[0].searches
    assert (dataset.label[search.states[search.expanded < 0]] != 0).all()
    assert ((dataset.remaining > 0) == (dataset.label == 1)).all()


def test_a_search_without_a_proof_teaches_nothing(table, build):
    # Unproved is not disproved: all states of failed searches were negatives once.
    dataset = build(table("t", SCRIPT), table("u", [("u", ["v", "w"]), ("v", ["no"]), ("w", ["no"])], proved=False))
    assert [entry.theorem.name for entry in dataset.theorems] == ["t"]
    assert (dataset.report.searches, dataset.report.proved) == (2, 1)


def test_recorded_values_are_not_read(table, build):
    # A run along human proofs records an oracle's values: as features they would be the answers.
    one = table("t", SCRIPT)
    other = replaced(one, "value", [float(number) for number in range(one.num_rows)])
    assert np.array_equal(build(one).parts.rows, build(other).parts.rows)


# ------------------------------------------------------------------------------------------------------ sibling sets


def test_decisions_are_the_actual_sibling_sets(table, build, states_by_text):
    dataset = build(table("t", SCRIPT))
    ids = states_by_text(dataset, 0, "root", "a", "b", "c", "b1 & x", "d")
    # From b one step leads back to root, which was expanded before: no choice any more.
    first, second = dataset.theorems[0].decisions
    assert first.parent == ids["root"]
    assert first.children.tolist() == [ids["a"], ids["b"], ids["c"]]
    assert first.positive.tolist() == [False, True, False]
    assert first.logprob.tolist() == [-0.25, -0.5, -1.0]
    assert second.children.tolist() == [ids["b1 & x"], ids["d"]]
    assert second.positive.tolist() == [True, False]
    assert second.logprob.tolist() == [-0.25, -0.5]


def test_a_child_from_which_one_only_gets_back_is_no_right_choice(table, build, states_by_text):
    # a is provable by way of root; whoever chose it instead of b lost two expansions by that.
    script = [("root", ["a", "b"]), ("a", ["a1", "a2"]), ("a1", ["root"]), ("b", ["qed"])]
    dataset = build(table("t", script))
    ids = states_by_text(dataset, 0, "root", "a", "b", "a1", "a2")
    assert {text: int(dataset.label[state]) for text, state in ids.items()} == {
        "root": 1,
        "a": 1,
        "b": 1,
        "a1": 1,
        "a2": -1,
    }
    assert dataset.remaining[ids["a"]] == 4
    (decision,) = dataset.theorems[0].decisions  # at a, nothing leads on
    assert decision.parent == ids["root"]
    assert decision.children.tolist() == [ids["a"], ids["b"]]
    assert decision.positive.tolist() == [False, True]


def test_two_merged_runs_share_no_siblings(table, build, states_by_text):
    # Node ids restart in every run: joined by id, children of one theorem became siblings of another's.
    other = [("R", ["A", "B", "C"]), ("B", ["D", "qed"]), ("C", ["no"])]
    again = [("root", ["b", "e"]), ("e", ["e1", "f"]), ("e1", ["qed"])]
    tables = [table("t", SCRIPT), table("u", other), table("t", again)]
    dataset = build(*tables)
    assert len({one.column("search_id")[0].as_py() for one in tables}) == 3
    found = set()
    for number, entry in enumerate(dataset.theorems):
        texts = [text for one in tables for text in one.column("text").to_pylist()]
        ids = {state: text for text, state in states_by_text(dataset, number, *dict.fromkeys(texts)).items()}
        for decision in entry.decisions:
            assert set(decision.children) <= set(entry.states.tolist())
            found.add((ids[decision.parent], *(ids[child] for child in decision.children.tolist())))
    assert found == {
        ("root", "a", "b", "c"),
        ("b", "b1 & x", "d"),
        ("R", "A", "B", "C"),
        ("root", "b", "e"),
        ("e", "e1", "f"),
    }


def test_a_repeated_search_adds_no_weight(table, build):
    once, twice = build(table("t", SCRIPT)), build(table("t", SCRIPT), table("t", SCRIPT))
    assert twice.num_states == once.num_states
    assert len(twice.theorems[0].decisions) == len(once.theorems[0].decisions) == 2
    assert twice.report.merged == once.num_states
    assert twice.report.decisions_merged == 2
    assert len(twice.theorems[0].searches) == 2


def test_a_search_in_two_files_is_read_once(table, write, letters):
    search = table("t", SCRIPT)
    paths = [write("one", search), write("two", search)]
    dataset = build_dataset(
        [*paths, paths[0].parent],
        PartEncoder(letters(), "state"),
        min_expansions=1,
        max_states_per_theorem=9,
        seed=0,
        say=lambda line: None,
    )
    assert dataset.report.searches == 1


# ---------------------------------------------------------------------------------------------------------- merging


def test_equal_states_of_one_theorem_are_one_with_the_best_of_both(table, build, states_by_text):
    shorter = [("root", ["no", "no", "b"]), ("b", ["qed", "d"]), ("d", ["no"])]
    dataset = build(table("t", SCRIPT), table("t", shorter))
    ids = states_by_text(dataset, 0, "root", "b", "d")
    assert dataset.remaining[ids["root"]] == 2
    assert dataset.remaining[ids["b"]] == 1
    assert dataset.logprob[ids["b"]] == pytest.approx(-0.5)  # −0.75 in the second search
    assert dataset.label[ids["d"]] == 0  # never expanded in the first
    assert len(np.unique(dataset.key, axis=0)) == dataset.num_states


def test_states_that_two_searches_judge_differently_are_dropped_and_counted(table, build, states_by_text):
    # 4.8% of the states that BurnQED trained on were positive and negative.
    otherwise = [("root", ["a", "b"]), ("a", ["a2", "a3"]), ("a2", ["qed"])]
    said = []
    dataset = build(table("t", SCRIPT), table("t", otherwise), say=said.append)
    assert dataset.report.conflicts == 1
    assert states_by_text(dataset, 0, "a") == {}
    ids = states_by_text(dataset, 0, "root", "b", "c")
    assert [
        decision.children.tolist() for decision in dataset.theorems[0].decisions if decision.parent == ids["root"]
    ] == [[ids["b"], ids["c"]]]
    assert dataset.report.decisions_dropped == 1  # root's second one is left with b alone
    assert any("1 positive in one search and negative in another" in line for line in said)
    for entry in dataset.theorems:
        for decision in entry.decisions:
            assert np.array_equal(decision.positive, dataset.label[decision.children] == 1)


def test_equal_texts_of_two_theorems_stay_two_states(table, build, states_by_text):
    dataset = build(table("t", SCRIPT), table("u", [("a", ["qed"])]))
    assert dataset.label[states_by_text(dataset, 0, "a")["a"]] == 0
    assert dataset.label[states_by_text(dataset, 1, "a")["a"]] == 1
    assert dataset.report.conflicts == 0


# ----------------------------------------------------------------------------------------------------------- dropping


def test_empty_and_terminal_states_are_dropped(table, build, states_by_text):
    # A quarter of BurnQED's hard negatives were pairs of empty texts: finished states among the training data.
    search = table("t", [("root", ["a", " \n", "z", "b"]), ("b", ["qed"])])
    finished = [
        0 if text == "z" else count
        for text, count in zip(*(search.column(name).to_pylist() for name in ("text", "num_goals")), strict=True)
    ]
    goals = [
        [] if not count else goals for count, goals in zip(finished, search.column("goals").to_pylist(), strict=True)
    ]
    dataset = build(replaced(replaced(search, "num_goals", finished), "goals", goals))
    assert dataset.report.empty == 2
    assert dataset.num_states == 3
    assert (dataset.num_goals > 0).all()
    (decision,) = dataset.theorems[0].decisions
    assert sorted(decision.children.tolist()) == sorted(states_by_text(dataset, 0, "a", "b").values())


def test_test_theorems_never_get_in(table, build):
    said = []
    tables = [
        table("t", SCRIPT),
        table("secret", [("s", ["s1", "s2"]), ("s1", ["qed"])], split="test"),
        table("moved", [("m", ["m1", "m2"]), ("m1", ["qed"])], split="train"),
        table("moved", [("m", ["m3", "m2"]), ("m3", ["qed"])], split="test"),
        table("moved", [("m", ["m4", "m2"]), ("m4", ["qed"])], split="validation"),
    ]
    dataset = build(*tables, say=said.append)
    assert [entry.theorem.name for entry in dataset.theorems] == ["t"]
    assert dataset.report.test_searches == 4
    assert len(dataset.parts.rows) == dataset.num_states == 8
    assert any("4 searches of theorems of the test split left out" in line for line in said)


def test_held_out_once_is_held_out(table, build):
    dataset = build(table("t", SCRIPT), table("t", SCRIPT, split="validation"), table("t", SCRIPT))
    assert dataset.theorems[0].theorem.split == "validation"


@pytest.mark.parametrize("copies", [1, 2])
def test_the_limit_keeps_positives_and_siblings_then_dead_ends_then_chance(table, build, states_by_text, copies):
    wide = [("root", ["b", "c"]), ("c", [f"c{number}" for number in range(40)]), ("c0", ["no"]), ("c1", ["e"])]
    script = [*wide, ("e", ["e1"]), ("b", ["qed"])]
    chosen = []
    for seed in (0, 0, 1):
        tables = [table("t", script) for _ in range(copies)]
        dataset = build(*tables, max_states=12, min_expansions=3, seed=seed)
        assert dataset.num_states == 12
        ids = states_by_text(dataset, 0, "root", "b", "c", "c0", "c1", "e")
        assert len(ids) == 6  # positives, the decision's other child, the dead ends, the other expanded states
        chosen.append({tuple(key) for key in dataset.key.tolist()})
        report = dataset.report
        assert report.nodes == report.states + report.merged + report.conflicts + report.over_limit + report.empty
    assert chosen[0] == chosen[1] != chosen[2]
    assert build(table("t", script), max_states=2).num_states == 3


# ----------------------------------------------------------------------------------------------------------- rows


@pytest.mark.parametrize("kind", ["state", "goals"])
@pytest.mark.parametrize("row_type", ["float32", "float16"])
def test_rows_are_those_that_a_search_would_see(table, build, letters, state, states_by_text, kind, row_type):
    # Training and search must see the same rows: BurnQED's had a cosine of 0.945.
    other = [("b1 & x & x", ["x & y", "y"]), ("y", ["qed"])]
    dataset = build(table("t", SCRIPT), table("u", other), kind=kind, row_type=row_type)
    encoder = PartEncoder(letters(), kind)
    assert dataset.encoder_fingerprint == encoder.fingerprint()
    assert dataset.parts.rows.dtype == row_type
    for theorem, texts in enumerate((["root", "b1 & x", "d", "a2"], ["b1 & x & x", "x & y", "y"])):
        for text, number in states_by_text(dataset, theorem, *texts).items():
            rows, index, _ = encoder.encode([state(text)])
            found = dataset.gather(np.array([number]))
            exact = 0 if row_type == "float32" else 1e-3
            assert np.abs(found.rows[found.index] - rows[index]).max() <= exact
            assert found.rows.dtype == np.float32


@pytest.mark.parametrize("kind", ["state", "goals"])
def test_rows_read_together_with_a_theorem_are_those_that_a_search_would_see(
    table, build, letters, state, states_by_text, kind
):
    # Of one text there are then as many rows as theorems; a table by text alone would give both the first one's.
    tables = [table("t", SCRIPT), table("u", [("b1 & x", ["d & x", "y"]), ("y", ["qed"])])]
    encoder = PartEncoder(letters(), kind, with_theorem=True)
    dataset = build(*tables, kind=kind, with_theorem=True)
    assert dataset.encoder_fingerprint == encoder.fingerprint() != build(*tables, kind=kind).encoder_fingerprint
    for theorem, texts in enumerate((["root", "b1 & x", "d", "a2"], ["b1 & x", "d & x", "y"])):
        for text, number in states_by_text(dataset, theorem, *texts).items():
            rows, index, _ = encoder.encode([state(text)], f"show {'tu'[theorem]}")
            found = dataset.gather(np.array([number]))
            assert np.array_equal(found.rows[found.index], rows[index])
    shared = [states_by_text(dataset, theorem, "b1 & x")["b1 & x"] for theorem in (0, 1)]
    one, other = (dataset.gather(np.array([number])) for number in shared)
    assert not np.isin(one.rows, other.rows).any()


def test_each_part_is_encoded_once_in_a_dataset(table, write, letters):
    inner = letters()
    path = write("a", table("t", [("p & q", ["q", "r & q"]), ("q", ["qed"])]), table("u", [("q & r", ["qed"])]))
    dataset = build_dataset(
        [path],
        PartEncoder(inner, "goals"),
        min_expansions=1,
        max_states_per_theorem=9,
        seed=0,
        say=lambda line: None,
    )
    assert sorted(inner.encoded) == ["p", "q", "r"]
    assert dataset.parts.rows.shape == (3, 8)


def test_rows_of_dropped_states_are_dropped(table, build):
    dataset = build(
        table("t", [("root", ["b", *(f"c{n}" for n in range(9))]), ("b", ["d", *map(str, range(50)), "qed"])]),
        max_states=3,
    )
    assert len(dataset.parts.rows) == len(np.unique(dataset.parts.index)) == dataset.num_states == 11


def test_gather_takes_any_states_with_repetitions_and_padding(table, build):
    dataset = build(table("t", SCRIPT), kind="goals")
    wanted = np.array([[3, -1, 6], [6, 0, -1]])
    rows, index, offsets = dataset.gather(wanted)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert len(offsets) == 7
    for place, state in enumerate(wanted.ravel().tolist()):
        got = rows[index[offsets[place] : offsets[place + 1]]]
        begin, end = (0, 0) if state < 0 else dataset.parts.offsets[[state, state + 1]]
        assert np.array_equal(got, dataset.parts.rows[dataset.parts.index[begin:end]])


@pytest.mark.parametrize("kind", ["state", "goals"])
@pytest.mark.parametrize("row_type", ["float32", "float16"])
@pytest.mark.parametrize("most", [0, 6 * 8 * 2, 10**9])
def test_rows_beyond_memory_are_those_in_memory(table, build, tmp_path, monkeypatch, kind, row_type, most):
    monkeypatch.setattr(rows_module, "_CHUNK", 3)
    dropping = [("root", ["b", *(f"c{n}" for n in range(9))]), ("b", ["d", *map(str, range(50)), "qed"])]
    tables = [table("t", SCRIPT), table("u", dropping)]
    options = {"kind": kind, "row_type": row_type, "max_states": 4}
    plain = build(*tables, **options)
    said = []
    dataset = build(*tables, **options, memory=Memory(most, tmp_path / "out"), say=said.append)
    beyond = most < 10**9
    assert isinstance(dataset.parts.rows, RowFile) is beyond is any("are in a file" in line for line in said)
    assert dataset.parts.rows.shape == plain.parts.rows.shape
    assert dataset.parts.rows.dtype == row_type
    for ids in (np.arange(plain.num_states), np.array([[3, -1], [0, 3]]), np.zeros(0, np.int64)):
        for one, other in zip(dataset.gather(ids), plain.gather(ids), strict=True):
            assert one.dtype == other.dtype
            assert np.array_equal(one, other)
    dataset.close()
    plain.close()
    if beyond:
        with pytest.raises(ValueError, match="closed"):
            dataset.gather(np.array([0]))


def test_the_file_of_rows_is_closed_if_reading_fails(table, build, tmp_path, monkeypatch):
    made = []

    class Noted(RowFile):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(rows_module, "RowFile", Noted)
    monkeypatch.setattr(rows_module, "_CHUNK", 1)
    damaged = replaced(table("u", SCRIPT), "num_goals", [9] * table("u", SCRIPT).num_rows)
    with pytest.raises(InputError, match="damaged"):
        build(table("t", SCRIPT), damaged, memory=Memory(0, tmp_path))
    (file,) = made
    with pytest.raises(ValueError, match="closed"):
        file[np.array([0])]


# ----------------------------------------------------------------------------------------------------------- bad input


def test_nothing_positive_is_one_clear_message(table, build):
    with pytest.raises(InputError, match=r"1 searches, none that could be learned from.*--generator demonstrated"):
        build(table("t", SCRIPT, proved=False))
    with pytest.raises(InputError, match="1 of them of the test split"):
        build(table("t", SCRIPT, split="test"))


def test_an_empty_run_folder_is_one_clear_message(tmp_path, letters):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="no recorded search"):
        build_dataset(
            [tmp_path],
            PartEncoder(letters(), "state"),
            min_expansions=1,
            max_states_per_theorem=9,
            seed=0,
            say=lambda line: None,
        )


@pytest.mark.parametrize(("name", "value"), [("environment", "lean"), ("fingerprint", "f2")])
def test_mixed_environments_are_refused_naming_both(table, build, name, value):
    known = {"environment": "toy", "fingerprint": "f1"}[name]
    with pytest.raises(InputError, match=f"'{value}'.*'{known}'"):
        build(table("t", SCRIPT), table("u", SCRIPT, **{name: value}))


def test_damage_is_named(table, build):
    search = table("t", SCRIPT)
    with pytest.raises(InputError, match="damaged: a key"):
        build(replaced(search, "key", ["xyz"] * search.num_rows))
    with pytest.raises(InputError, match="damaged: node 0 has 1 goals, its column num_goals says 2"):
        build(replaced(search, "num_goals", [2] * search.num_rows))
    goals = [[goal | {"tree": "wi:x"} for goal in goals] for goals in search.column("goals").to_pylist()]
    with pytest.raises(InputError, match="the tree of goal 'root' can't be read"):
        build(replaced(search, "goals", goals))


def test_rows_that_do_not_fit_are_refused(table, write, letters):
    class Large(letters):
        def encode(self, states):
            return super().encode(states) * np.float32(1e6)

    path: Path = write("a", table("t", SCRIPT))
    with pytest.raises(InputError, match="keep them as float32"):
        build_dataset(
            [path],
            PartEncoder(Large(), "state"),
            min_expansions=1,
            max_states_per_theorem=9,
            seed=0,
            say=lambda line: None,
            row_type="float16",
        )
