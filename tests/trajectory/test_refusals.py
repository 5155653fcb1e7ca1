"""Would catch: a proof by another path to a refused step that can't be written, or is read as something else."""

from __future__ import annotations

import pytest

from proofsearch.config import SearchConfig
from proofsearch.engine import search
from proofsearch.graph import check_graph
from proofsearch.trajectory.labels import POSITIVE
from proofsearch.trajectory.reader import read_searches
from proofsearch.trajectory.summary import check
from proofsearch.trajectory.table import Origin, to_table
from proofsearch.trajectory.writer import to_bytes
from proofsearch.types import Verdict
from tests.engine.parts import PartsSession, Rules, RulesGenerator, WholeSession

from .test_round_trip import assert_same


@pytest.mark.parametrize("mode", ["best-first", "and-or"])
def test_a_proof_by_another_path(mode, theorem, tmp_path):
    """The way by p is refused, the one by q, found later, is not; with parts the refused step leads to one."""
    rules = Rules().rule("root", -0.1, "a", "p").rule("root", -20.0, "a", "q").rule("a", -9.0).rule("dead", -0.1)
    rules.rule("p", -0.1, "x").rule("q", -0.1, "x").rule("x", -0.1, "a").rule("root", -0.2, "lost", "dead")
    result = search(
        theorem,
        PartsSession(rules) if mode == "and-or" else WholeSession(rules),
        RulesGenerator(rules),
        config=SearchConfig.model_validate({"strategy": mode, "priority": {"kind": "auto"}}),
        accept=lambda path: (Verdict("root by a p" not in path, "strict 1.0"), None),
    )
    assert result.tactics is not None and result.tactics[0] == "root by a q"
    file = tmp_path / "one.parquet"
    file.write_bytes(to_bytes(to_table(result.graph, result, theorem, Origin(), search_id="s")))
    (one,) = read_searches([file])
    redrawn = one.graph()
    check_graph(redrawn)
    assert_same(result.graph, redrawn)
    assert check([file]) == []
    table = to_table(result.graph, result, theorem, Origin(), search_id="s")
    rows = {row["text"]: row for row in table.select(["text", "on_proof", "label"]).to_pylist()}
    on_proof = {text for text, row in rows.items() if row["on_proof"]}
    assert on_proof == {"root", "q", "x", "a"} | ({"a & q"} if mode == "best-first" else set())
    assert all(rows[text]["label"] == POSITIVE for text in on_proof)
