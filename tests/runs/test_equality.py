"""Would catch: a difference between two runs that is not seen, or times and ids taken for one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from proofsearch.config import RunConfig
from proofsearch.runs import RunFolder
from proofsearch.runs.equality import differences, unsound


@pytest.fixture
def searched_run(tmp_path, theorems, searched):
    """Makes a finished run of its own; results can be changed before they are recorded."""

    def make(name, order=1, **changes):
        with RunFolder.create(tmp_path / name, RunConfig(seed=3), {}, theorems, proof_suffix=".mmp") as run:
            for theorem in theorems[::order]:
                result, proof, table = searched(theorem, run.run_id)
                proof = changes.get("proof", proof)
                fields = {key: value for key, value in changes.items() if key not in ("proof", "table")}
                change = changes.get("table", lambda table: table)
                run.record(dataclasses.replace(result, **fields), proof, change(table))
            run.finish()
        return tmp_path / name

    return make


def test_the_same_searches_in_another_order_at_another_time(searched_run):
    one, two = searched_run("one"), searched_run("two", order=-1, seconds=77.0, attempts=2)
    assert list(differences(one, two)) == list(unsound(one)) == list(unsound(two)) == []


def test_another_result_proof_or_search(searched_run, theorems):
    one = searched_run("one")
    assert len(list(differences(one, searched_run("more", expansions=9)))) == len(theorems)
    assert list(differences(one, searched_run("written", proof="another"))) == [
        f"{theorem.name}: the written proofs differ" for theorem in theorems
    ]

    def marked(table):
        at = table.column_names.index("statement")
        return table.set_column(at, table.schema.field(at), [["⊢"] * table.num_rows])

    found = list(differences(one, searched_run("recorded", table=marked)))
    assert found == [f"{theorem.name}: the recorded searches differ in column statement" for theorem in theorems]


def test_a_result_that_is_lost(searched_run, theorems):
    one, two = searched_run("one"), searched_run("two")
    lines = (two / "results.jsonl").read_text().splitlines(keepends=True)
    (two / "results.jsonl").write_text("".join(lines[1:]))
    lost = json.loads(lines[0])["theorem"]
    assert f"{lost}: has a result in only one of them, {one}" in list(differences(one, two))
    assert f"1 theorems have no result, such as {lost}" in list(unsound(two))


def test_what_a_run_must_not_leave_behind(searched_run):
    run = searched_run("one")
    for name in ("trajectories/one.parquet.part", "proofs/strange.mmp"):
        (run / name).touch()
    (run / "proofs" / "Zahl%2Fgr%C3%B6%C3%9Fe%20%E2%89%A4%202.mmp").unlink()
    found = "\n".join(unsound(run))
    assert "one.parquet.part was left behind" in found
    assert "proofs/strange.mmp is of no result" in found
    assert "is missing" in found


def test_theorems_of_another_run(tmp_path: Path, searched_run, theorems):
    with RunFolder.create(tmp_path / "other", RunConfig(seed=3), {}, theorems[:1], proof_suffix=".mmp"):
        pass
    assert next(differences(searched_run("one"), tmp_path / "other")) == "the theorems are others: 4 and 1"
