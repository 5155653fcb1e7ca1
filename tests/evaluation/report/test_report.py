"""The file as it is written: its figures are the evaluation's, and nothing in it can act but the page's own scripts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hostileprover import ATTACKS
from reports import unpacked

from proofsearch.errors import StorageError, UsageError
from proofsearch.evaluation import EvaluationSettings, evaluate, to_json
from proofsearch.evaluation.report import ReportSettings, write_report
from proofsearch.evaluation.report.summary import MAX_POINTS, budgets_between
from proofsearch.evaluation.report.tree import tree_data
from proofsearch.measures.intervals import wilson
from proofsearch.runs import RunFolder
from proofsearch.trajectory.reader import read_searches

SETTINGS = ReportSettings(EvaluationSettings(resamples=200))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts, as a browser would find them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script" and "type" not in dict(attrs):
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "type" not in self.found[-1][1]:
            self.scripts[-1] += data
        else:
            self.text.append(data)


def test_embedded_figures_are_those_of_the_evaluation(runs: Callable[[str], Path], tmp_path: Path) -> None:
    paths = [runs("random"), runs("small")]
    out = write_report(paths, tmp_path / "a.html", SETTINGS).path
    data = unpacked(out)
    assert data["evaluation"] == to_json(evaluate(paths, SETTINGS.evaluation))
    assert data["names"] == ["random", "small"]


def test_curves_agree_with_the_evaluation_wherever_both_look(runs: Callable[[str], Path], tmp_path: Path) -> None:
    data = unpacked(write_report([runs("random")], tmp_path / "a.html", SETTINGS).path)
    (run,), (of,) = data["evaluation"]["runs"], data["runs"]
    checked = 0
    for cost, points in (("expansions", run["solved_expansions"]), ("seconds", run["solved_seconds"])):
        curve = of["curves"][cost]
        budgets = np.array(curve["budget"])
        assert (np.diff(budgets) > 0).all()
        for point in points:
            # The curve is constant between its budgets.
            at = int(np.searchsorted(budgets, point["budget"], side="right")) - 1
            if at < 0:
                assert point["solved"] == 0
                continue
            checked += 1
            assert curve["solved"][at] == point["solved"]
            assert (curve["low"][at], curve["high"][at]) == wilson(point["solved"], point["theorems"])
    assert checked > 5
    assert all(curve["solved"][-1] == run["proved"] for curve in of["curves"].values())


def test_theorem_rows_are_the_results(runs: Callable[[str], Path], tmp_path: Path) -> None:
    paths = [runs("small"), runs("one")]
    data = unpacked(write_report(paths, tmp_path / "a.html", SETTINGS).path)
    rows = data["theorems"]
    assert len(rows["name"]) == len(set(rows["name"])) == 16
    for path, of in zip(paths, rows["runs"], strict=True):
        results = RunFolder.open(path).results()
        for at, name in enumerate(rows["name"]):
            if name not in results:
                assert of["ending"][at] is None
                assert of["proved"][at] is None
                continue
            result = results[name]
            assert rows["endings"][of["ending"][at]] == result.ending
            assert (of["proved"][at], of["expansions"][at]) == (result.proved, result.expansions)
            assert of["steps"][at] == (len(result.tactics) if result.proved else None)


def test_failures_and_what_was_reported_are_said(runs: Callable[[str], Path], tmp_path: Path) -> None:
    run = Path(shutil.copytree(runs("small"), tmp_path / "run"))
    lines = [json.loads(line) for line in (run / "results.jsonl").read_text().splitlines()]
    lines[0] = {"theorem": lines[0]["theorem"], "status": "failed", "failure": "crashed", "message": "signal 9"}
    lines[1] |= {"messages": ["the scorer failed"]}
    (run / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
    rows = unpacked(write_report([run], tmp_path / "a.html", SETTINGS).path)["theorems"]
    assert len(rows["name"]) == len(lines) - 1, "a theorem without a result is not in the table"
    (of,) = rows["runs"]
    crashed, told = (rows["name"].index(line["theorem"]) for line in lines[:2])
    assert rows["endings"][of["ending"][crashed]] == "crashed"
    assert of["said"] == {str(crashed): "signal 9", str(told): "the scorer failed"}
    assert (of["proved"][crashed], of["recorded"][crashed]) == (False, False)


def test_trees_are_those_of_the_searches_and_what_is_left_out_is_said(
    runs: Callable[[str], Path], tmp_path: Path
) -> None:
    paths = [runs("random"), runs("small")]
    name = RunFolder.open(paths[0]).theorems[3].name
    settings = ReportSettings(SETTINGS.evaluation, trees=2, theorems=(name,))
    written = write_report(paths, tmp_path / "a.html", settings)
    data = unpacked(written.path)
    shown = {(tree["run"], tree["theorem"]): tree for tree in data["trees"]}
    names = {theorem for _, theorem in shown}
    assert len(names) in (2, 3)
    assert name in names
    assert len(shown) == 2 * len(names) == written.trees
    assert data["choice"]["theorems"] == written.theorems == len(names)
    assert written.left_out == 16 - len(names) == data["choice"]["proved_left_out"] + data["choice"]["failed_left_out"]
    searched = {
        (run, search.theorem.name): search for run, path in enumerate(paths) for search in read_searches([path])
    }
    for key, tree in shown.items():
        assert unpacked(written.path, tree["id"]) == tree_data(searched[key])
        assert tree["nodes"] == searched[key].num_nodes


def test_no_trees_are_read_where_none_are_wanted(runs: Callable[[str], Path], tmp_path: Path) -> None:
    written = write_report([runs("random")], tmp_path / "a.html", ReportSettings(SETTINGS.evaluation, trees=0))
    assert (written.trees, written.theorems, written.left_out) == (0, 0, 16)
    assert unpacked(written.path)["trees"] == []


def test_equal_runs_give_equal_files(runs: Callable[[str], Path], tmp_path: Path) -> None:
    first, second = (
        write_report([runs("small")], tmp_path / name, SETTINGS).path.read_bytes() for name in ("a.html", "b.html")
    )
    assert first == second


def test_what_a_run_holds_is_never_markup(hostile: Path, tmp_path: Path) -> None:
    out = write_report([hostile], tmp_path / "a.html", SETTINGS).path
    page = out.read_text(encoding="utf-8")
    data = unpacked(out)
    # The attacks did get into the data, ...
    assert data["theorems"]["name"] == list(ATTACKS)
    assert data["names"] == [hostile.name]
    tree = unpacked(out, data["trees"][0]["id"])
    assert all(attack in tree["text"][0] for attack in ATTACKS)
    assert any(ATTACKS[0] in text for text in tree["strings"])
    assert any(ATTACKS[1] in text for text in tree["strings"])
    # ... and nowhere into the page.
    elements = Elements(page)
    assert "pwned" not in page.replace(f"{_escaped(hostile.name)} – proofsearch report", "", 1)
    assert not {tag for tag, _ in elements.found} & {"img", "b", "iframe", "object", "link", "base"}
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]


def test_only_the_pages_own_scripts_may_run_and_nothing_is_loaded(runs: Callable[[str], Path], tmp_path: Path) -> None:
    page = write_report([runs("small")], tmp_path / "a.html", SETTINGS).path.read_text(encoding="utf-8")
    elements = Elements(page)
    policy = next(of["content"] for _, of in elements.found if of.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in elements.scripts]
    assert len(hashes) == 2
    assert re.findall(r"sha256-([^']+)", policy) == hashes
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    loading = [(tag, of) for tag, of in elements.found if {"src", "href"} & of.keys()]
    assert all(of.get("href", "").startswith("#") for _, of in loading)
    assert not re.search(r"url\(|@import", "".join(re.findall(r"<style>(.*?)</style>", page, re.S)))


def test_libraries_are_as_their_makers_publish_them_and_licences_come_along() -> None:
    vendor = resources.files("proofsearch.evaluation.report") / "assets" / "vendor"
    licences = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    named = re.findall(r"^(\S+\.js) +(.*), dist/.*\n +SHA-256 (\w{64})$", licences, re.M)
    assert {name for name, _, _ in named} == {path.name for path in vendor.iterdir() if path.name.endswith(".js")}
    for name, package, digest in named:
        content = (vendor / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        library, version = package.split(" ")
        assert f" v{version} ".encode() in content[:100], f"{name} is not {library} {version}"
    assert "Permission to use, copy, modify, and/or distribute" in licences


def test_licences_stand_in_the_file(runs: Callable[[str], Path], tmp_path: Path) -> None:
    page = write_report([runs("small")], tmp_path / "a.html", SETTINGS).path.read_text(encoding="utf-8")
    text = "".join(Elements(page).text)
    for holder in ("Mike Bostock", "Observable, Inc.", "Mikola Lysenko", "Cynthia Brewer", "Robert Penner"):
        assert holder in text


def test_a_report_replaces_what_it_is_told_to_and_never_what_it_reads(
    runs: Callable[[str], Path], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "a.html"
    write_report([runs("small")], out, SETTINGS)
    before = out.read_bytes()
    with pytest.raises(UsageError, match=r"a\.html: is there already; .* --overwrite"):
        write_report([runs("random")], out, SETTINGS)
    assert out.read_bytes() == before
    write_report([runs("random")], out, SETTINGS, overwrite=True)
    assert out.read_bytes() != before
    thesis = tmp_path / "thesis.html"
    thesis.write_text("<!doctype html>years of work")
    with pytest.raises(UsageError, match=r"thesis\.html: is there already"):
        write_report([runs("small")], thesis, SETTINGS)
    with pytest.raises(UsageError, match=r"results\.jsonl: is read by this command"):
        write_report([runs("small")], runs("small") / "results.jsonl", SETTINGS, overwrite=True)
    assert thesis.read_text() == "<!doctype html>years of work"
    with pytest.raises(UsageError, match="a folder is in the way"):
        write_report([runs("small")], tmp_path, SETTINGS)
    with pytest.raises(StorageError, match=r"can't be (read|written)"):
        write_report([runs("small")], thesis / "a.html", SETTINGS)


def test_one_run_named_twice_is_two_runs(runs: Callable[[str], Path], tmp_path: Path) -> None:
    written = write_report([runs("small"), runs("small")], tmp_path / "a.html", SETTINGS)
    names = unpacked(written.path)["names"]
    assert len(set(names)) == 2


def test_budgets_of_a_curve_are_bounded_and_keep_its_ends() -> None:
    costs = np.arange(1.0, 5000.0)
    budgets = budgets_between(costs, 1.0, 6000.0)
    assert (budgets[0], budgets[-1]) == (1.0, 6000.0)
    assert len(budgets) == MAX_POINTS + 2
    assert budgets_between(np.array([2.0, 2.0, 5.0, 9.0]), 2.0, 5.0) == [2.0, 5.0]
    assert budgets_between(np.array([]), 1.0, 1.0) == [1.0]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
