"""What may be learnt from. Would catch: a theorem of the split test that gets into a training by whatever way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.errors import InputError
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.testing.recordings import record
from proofsearch.trainers.searches import LearnableSearches, learnable_theorems, strictest_split
from proofsearch.trajectory import reader
from proofsearch.trajectory.reader import read_tables, recorded_splits
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Theorem

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[pa.Table]:
    """Searches of four theorems, a table each."""
    environment = CountdownEnvironment(CountdownConfig(size=20))
    path = tmp_path_factory.mktemp("recorded") / "all.parquet"
    return list(read_tables(record(environment, environment.theorems()[:4], path)))


@pytest.fixture
def write(recorded: list[pa.Table], tmp_path: Path) -> Write:
    """``write("a", (0, "train"), …)``: a file with searches of these theorems, said to be of these splits."""
    made = iter(range(1000))

    def write_file_of(name: str, *searches: tuple[int, str], **columns: str) -> Path:
        def tables() -> Iterator[pa.Table]:
            for number, split in searches:
                table = recorded[number]
                for column, value in {"split": split, "search_id": f"{name}{next(made)}", **columns}.items():
                    place = table.schema.get_field_index(column)
                    table = table.set_column(place, table.schema.field(place), pa.array([value] * table.num_rows))
                yield table

        path = tmp_path / f"{name}.parquet"
        write_file(path, tables())
        return path

    return write_file_of


def names(recorded: list[pa.Table], *numbers: int) -> list[str]:
    return [recorded[number].column("theorem")[0].as_py() for number in numbers]


def test_a_theorem_that_any_search_calls_test_is_left_out_before_it_is_met_as_such(
    recorded: list[pa.Table], write: Write
) -> None:
    searches = LearnableSearches(
        [write("a", (0, "train"), (1, "train"), (2, "test")), write("b", (1, "test"), (3, "train"))]
    )
    assert [search.theorem.name for search in searches] == names(recorded, 0, 3)
    assert (searches.num_read, searches.num_left_out) == (5, 3)
    assert [search.theorem.name for search in searches] == names(recorded, 0, 3), "again"
    assert (searches.num_read, searches.num_left_out) == (5, 3)


def test_the_strictest_split_holds_for_all_searches_of_a_theorem(recorded: list[pa.Table], write: Write) -> None:
    paths = [write("a", (0, "train"), (1, "")), write("b", (0, "validation"), (1, "train")), write("c", (0, "train"))]
    searches = LearnableSearches(paths)
    assert [search.theorem.split for search in searches] == ["validation", "train", "validation", "train", "validation"]
    assert dict(searches.splits) == dict(zip(names(recorded, 0, 1), ["validation", "train"], strict=True))


def test_a_search_that_is_in_two_places_is_met_once(recorded: list[pa.Table], write: Write, tmp_path: Path) -> None:
    path = write("a", (0, "train"), (1, "train"))
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "b.parquet").write_bytes(path.read_bytes())
    searches = LearnableSearches([path, tmp_path / "copy"])
    assert [search.theorem.name for search in searches] == names(recorded, 0, 1)
    assert searches.num_read == 2


def test_a_test_theorem_that_was_recorded_since_the_splits_were_read_is_left_out_too(
    recorded: list[pa.Table], write: Write, tmp_path: Path
) -> None:
    searches = LearnableSearches([write("a", (0, "train")).parent])
    assert list(searches.splits.values()) == ["train"]
    write("b", (1, "test"))
    assert [search.theorem.name for search in searches] == names(recorded, 0)


def test_searches_of_two_environments_are_refused_and_of_two_libraries_where_that_matters(write: Write) -> None:
    one, other = write("one", (0, "train")), write("other", (1, "train"), environment="elsewhere")
    with pytest.raises(InputError, match=r"other\.parquet: .*'elsewhere', expected '\w+', as the first one in .*one\."):
        list(LearnableSearches([one, other]))
    changed = write("changed", (1, "train"), fingerprint="f2")
    assert len(list(LearnableSearches([one, changed]))) == 2
    with pytest.raises(InputError, match=r"with fingerprint 'f2', expected .*the same library"):
        list(LearnableSearches([one, changed], same_library=True))


def test_the_splits_of_a_run_that_merges_its_files_meanwhile_are_all_found(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("b", (1, "test"))
    write("a", (0, "train"))
    whole, listings = reader.trajectory_files, []

    def listed(path: Path) -> list[Path]:
        files = whole(path)
        if not listings:  # the run merges a file into another just after it was listed
            (tmp_path / "b.parquet").rename(tmp_path / "c.parquet")
        listings.append(files)
        return files

    monkeypatch.setattr(reader, "trajectory_files", listed)
    assert {split for _, split in recorded_splits(tmp_path)} == {"train", "test"}


@given(st.lists(st.sampled_from(["test", "validation", "train", "", "mine"]), min_size=1))
def test_what_was_ever_held_out_stays_held_out(splits: list[str]) -> None:
    strictest = strictest_split(splits)
    assert strictest in splits
    if "test" in splits:
        assert strictest == "test"
    elif "validation" in splits:
        assert strictest == "validation"
    assert strictest_split([strictest, *splits[::-1]]) == strictest


def test_of_a_library_with_splits_those_that_are_trained_and_validated_on() -> None:
    library = [Theorem(split or "axiom", "s", split=split) for split in ("train", "test", "", "validation")]
    assert [theorem.name for theorem in learnable_theorems(library)] == ["train", "validation"]
    plain = [Theorem("a", "s"), Theorem("b", "s")]
    assert learnable_theorems(plain) == plain
