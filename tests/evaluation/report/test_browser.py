"""The report in a real browser, without a network: it loads, it answers, it says nothing on the console.

Needs playwright and a browser that it can start: `pip install playwright`, and its own Chromium (`playwright install
chromium`) or the system's. Without them these tests are skipped.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostileprover import ATTACKS
from reports import unpacked

from proofsearch.evaluation import EvaluationSettings
from proofsearch.evaluation.report import ReportSettings, write_report
from proofsearch.evaluation.report.page import packed
from proofsearch.trajectory.reader import read_searches

SETTINGS = ReportSettings(EvaluationSettings(resamples=200))
SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium: playwright's own, else the system's."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        pytest.skip(f"playwright can't be imported ({error}); pip install playwright")
    with sync_playwright() as playwright:
        tried = []
        for executable in (None, *filter(None, map(shutil.which, SYSTEM))):
            try:
                started = playwright.chromium.launch(executable_path=executable)
            except Error as error:
                tried.append(f"{executable or 'playwright'}: {error.message.splitlines()[0]}")
                continue
            yield started
            started.close()
            return
        pytest.skip(f"no browser could be started ({'; '.join(tried)}); playwright install chromium")


@dataclass
class Shown:
    """A report in a browser, and what the browser said of it."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def explorer(self, expression: str) -> Any:
        """What an expression gives, with `it` for the search tree's explorer."""
        return self.page.evaluate(
            f"() => {{ const it = document.querySelector('.explorer').explorer; return {expression} }}"
        )

    def click_node(self, node: int, **options: Any) -> None:
        """Clicks where a node is drawn."""
        at = f"it.canvas.at.get({node})"
        x, y = self.explorer(f"(it.canvas.center({node}), [{at}.across, {at}.down])")
        box = self.page.locator(".explorer canvas").bounding_box()
        self.page.mouse.click(box["x"] + x, box["y"] + y, **options)

    @property
    def drawn(self) -> set[int]:
        """The nodes that are to be seen."""
        return set(self.explorer("it.canvas.nodes.map((node) => node.data)"))

    @property
    def state(self) -> str:
        """The text of the selected state."""
        return str(self.page.locator(".details pre.state").inner_text())


Show = Callable[..., Shown]


@pytest.fixture
def show(browser: Any) -> Iterator[Show]:
    """Opens a report; at the end nothing may have been said on the console and nothing loaded."""
    opened: list[tuple[Shown, Path]] = []

    def open_(report: Path, **options: Any) -> Shown:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce", **options)
        page.set_default_timeout(10_000)
        shown = Shown(page)
        page.on("console", lambda message: shown.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: shown.console.append(f"error: {error}"))
        page.on("dialog", lambda dialog: shown.console.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: shown.requests.append(request.url))
        page.goto(report.as_uri())
        page.wait_for_selector("html[data-ready]")
        if page.locator(".explorer").count():
            page.wait_for_selector(".explorer[data-shown]")
            page.locator(".explorer").scroll_into_view_if_needed()
        opened.append((shown, report))
        return shown

    yield open_
    for shown, report in opened:
        assert shown.console == []
        assert shown.requests == [report.as_uri()]
        assert shown.page.locator("#alarm").is_hidden()
        shown.page.close()


@pytest.fixture
def two(runs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two runs, written once."""
    path = tmp_path_factory.getbasetemp() / "reported" / "two.html"
    return path if path.exists() else write_report([runs("random"), runs("small")], path, SETTINGS).path


def pick(shown: Shown, report: Path, theorem: str) -> None:
    """Chooses a theorem and waits until its tree is there."""
    shown.page.get_by_label("Theorem", exact=True).select_option(theorem)
    wait_for_tree(shown, report, theorem, 0)


def wait_for_tree(shown: Shown, report: Path, theorem: str, run: int) -> None:
    # Not by a function that the browser is to evaluate: the page's own policy forbids that.
    trees = {(tree["theorem"], tree["run"]): tree["id"] for tree in unpacked(report)["trees"]}
    shown.page.wait_for_selector(f".explorer[data-shown={trees[theorem, run]}]")


def test_every_section_shows_its_figures(show: Show, two: Path) -> None:
    shown = show(two)
    evaluation = unpacked(two)["evaluation"]
    for card, run in zip(shown.page.locator(".card:not(.against, .aside)").all(), evaluation["runs"], strict=True):
        assert card.locator(".big").inner_text() == f"{run['proved']} of {run['theorems']} proved"
    charts = shown.page.locator(".chart svg")
    charts.first.wait_for()
    for section in ("solved", "proof-time", "time", "endings", "values"):
        assert shown.page.locator(f"#{section} .chart svg").count() >= 1, f"no chart in {section}"
    # The run by chance can judge log-probability; what the other met was chosen by its own values.
    assert shown.page.locator("#values .verdict").count() == 1
    values = shown.page.locator("#values").inner_text()
    assert "which its order chose (scorer small, priority auto)" in values
    assert "null" not in values
    shown.page.locator("#endings .figures summary").first.click()
    row = shown.page.locator("#endings .figures tr", has=shown.page.get_by_role("rowheader", name="proved"))
    cells = [int(cell) for cell in row.first.locator("td").all_inner_texts()]
    assert cells == [run["endings"]["proved"] for run in evaluation["runs"]]


def test_another_cost_draws_other_curves(show: Show, two: Path) -> None:
    shown = show(two)
    chart = shown.page.locator("#solved .chart svg").first
    before = chart.inner_html()
    shown.page.locator("#solved").get_by_role("button", name="States").click()
    assert chart.inner_html() != before
    assert "states a theorem" in chart.inner_html()


def test_the_table_is_searched_filtered_and_sorted(show: Show, two: Path) -> None:
    shown, theorems = show(two), unpacked(two)["theorems"]
    names = shown.page.locator("#theorems tbody th")
    assert names.count() == 16
    box = shown.page.get_by_label("Search theorems by name or statement")
    box.fill("REACH-1")
    assert names.all_inner_texts() == sorted(name for name in theorems["name"] if "reach-1" in name)
    box.fill("")
    # The least expansions of the first run at the top, then the most.
    head = shown.page.locator("#theorems thead").get_by_role("button", name="Exp.").first
    for _ in range(2):
        head.click()
    assert shown.page.locator("#theorems [aria-sort]").get_attribute("aria-sort") == "ascending"
    found = [int(text) for text in shown.page.locator("#theorems tbody td:nth-child(4)").all_inner_texts()]
    assert found == sorted(theorems["runs"][0]["expansions"])
    shown.page.get_by_label("Which theorems are shown").select_option("unproved")
    assert names.count() == 0


def test_a_theorem_in_the_table_opens_its_tree(show: Show, two: Path) -> None:
    shown = show(two)
    shown.page.locator("#theorems").get_by_role("button", name="reach-7", exact=True).click()
    wait_for_tree(shown, two, "reach-7", 0)
    assert shown.page.get_by_label("Theorem", exact=True).input_value() == "reach-7"
    theorems = unpacked(two)["theorems"]
    assert shown.state == theorems["statement"][theorems["name"].index("reach-7")]
    assert shown.page.evaluate("document.activeElement.tagName") == "CANVAS"


def test_a_click_shows_the_state_and_the_way_to_it(show: Show, two: Path, runs: Callable[[str], Path]) -> None:
    shown = show(two)
    searches = {search.theorem.name: search for search in read_searches([runs("random")])}
    name = max(searches, key=lambda name: searches[name].on_proof.sum())
    pick(shown, two, name)
    search = searches[name]
    assert shown.state == search.text[0]
    proof = [node for node in range(search.num_nodes) if search.on_proof[node]]
    for node in (proof[1], proof[-1]):
        shown.click_node(node)
        assert shown.state == search.text[node]
        way = shown.page.locator(".details ol.way li").all_text_contents()
        assert len(way) == search.depth[node] + 1
        assert way[-1] == search.edges.tactic[search.best_edge[node]]
        assert shown.page.locator(".details .pill.proof").count() == 1
    shown.click_node(0)
    assert "does not apply" in shown.page.locator(".details .failed").text_content()


def test_folding_unfolding_and_other_runs(show: Show, two: Path) -> None:
    shown = show(two)
    everything = shown.drawn
    assert len(everything) > 3
    shown.page.get_by_role("button", name="Fold all", exact=True).click()
    folded = shown.drawn
    assert 0 in folded
    assert len(folded) < len(everything)
    shown.page.get_by_role("button", name="Unfold all").click()
    assert shown.drawn == everything
    shown.click_node(0, click_count=2)
    assert shown.drawn == {0}
    shown.click_node(0, click_count=2)
    assert shown.drawn == everything
    theorem = shown.explorer("it.entry.theorem")
    shown.page.locator(".tools").get_by_role("button", name="small").click()
    wait_for_tree(shown, two, theorem, 1)


def test_only_as_many_expansions_as_wanted_are_shown(show: Show, two: Path) -> None:
    shown = show(two)
    slider = shown.page.get_by_label("Expansions that are shown")
    slider.fill("1")
    tree = unpacked(two, shown.explorer("it.entry.id"))
    assert shown.drawn == {node for node, born in enumerate(tree["born"]) if born < 1}
    slider.fill(str(max(tree["expansion"]) + 1))
    assert len(shown.drawn) > len([born for born in tree["born"] if born < 1])


def test_matches_are_found_counted_and_filtered(show: Show, two: Path) -> None:
    shown = show(two)
    tree = unpacked(two, shown.explorer("it.entry.id"))
    box = shown.page.get_by_label("Find in states and tactics")
    query = tree["text"][tree["proof"][-1]]
    matching = {node for node, text in enumerate(tree["text"]) if query in text}
    box.fill(query.upper())
    assert shown.page.locator(".found").inner_text() == f"{len(matching)} found"
    seen = set()
    for number in range(len(matching)):
        box.press("Enter")
        seen.add(shown.explorer("it.selected"))
        assert query in shown.state
        assert shown.page.locator(".found").inner_text() == f"{number + 1} of {len(matching)}"
    assert seen == matching
    shown.page.get_by_label("only matches").check()
    above = set()
    for node in matching:
        while node >= 0:
            above.add(node)
            node = tree["parent"][node]
    assert shown.drawn == above
    shown.page.get_by_label("only matches").uncheck()
    assert shown.drawn >= above
    assert len(shown.drawn) == len(tree["text"]) + 1
    box.fill("there is no such state")
    assert shown.page.locator(".found").inner_text() == "0 found"


def test_the_keyboard_alone_goes_along_the_proof_and_says_where(show: Show, two: Path) -> None:
    shown = show(two)
    tree = unpacked(two, shown.explorer("it.entry.id"))
    shown.page.locator(".explorer canvas").focus()
    for node in tree["proof"][1:3]:
        shown.page.keyboard.press("p")
        assert shown.state == tree["text"][node]
    said = shown.page.locator(".explorer [role=status]").last.text_content()
    assert said.startswith(tree["strings"][tree["tactic"][node]])
    shown.page.keyboard.press("ArrowLeft")
    assert shown.state == tree["text"][tree["parent"][node]]
    shown.page.keyboard.press("ArrowRight")
    assert shown.state == tree["text"][node]
    before = len(shown.drawn)
    shown.page.keyboard.press("Enter")
    assert len(shown.drawn) < before
    scale = shown.explorer("it.canvas.transform.k")
    shown.page.keyboard.press("+")
    assert shown.explorer("it.canvas.transform.k") > scale
    # Folded away, what is selected still is where the keyboard goes on from.
    shown.explorer("it.select(it.tree.end)")
    shown.page.get_by_role("button", name="Fold all", exact=True).click()
    shown.page.locator(".explorer canvas").focus()
    shown.page.keyboard.press("ArrowRight")
    assert shown.state == tree["text"][shown.explorer("it.selected")]
    assert len(shown.drawn) > 2
    shown.page.keyboard.press("/")
    assert shown.page.evaluate("document.activeElement.type") == "search"


def test_colours_follow_what_is_chosen(show: Show, two: Path) -> None:
    shown = show(two)
    for name in ("Value", "Log-prob", "Priority", "Order"):
        shown.page.locator(".tools").get_by_role("button", name=name, exact=True).click()
        assert shown.page.locator(".scale span").first.inner_text() == name.lower()
        kind = shown.explorer("it.canvas.kind")
        tree = unpacked(two, shown.explorer("it.entry.id"))
        bins = shown.explorer("it.canvas.bins.map((nodes) => nodes.map((node) => node.data))")
        *shades, without = [[tree[kind][node] for node in nodes] for nodes in bins]
        assert sum(map(len, shades)) > 3
        assert set(without) <= ({-1} if kind == "expansion" else {None})
        ends = [end for scores in shades if scores for end in (min(scores), max(scores))]
        assert ends == sorted(ends), "a darker shade for a higher score"


def test_dark_and_light_follow_the_system(show: Show, two: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    shown = show(two, color_scheme="dark")
    dark = shown.page.evaluate(paper)
    shown.page.emulate_media(color_scheme="light")
    assert shown.page.evaluate(paper) != dark


def test_a_narrow_window_needs_no_scrolling_sideways(show: Show, two: Path) -> None:
    shown = show(two)
    for width in (1280, 800, 390):
        shown.page.set_viewport_size({"width": width, "height": 800})
        shown.page.wait_for_timeout(100)
        assert shown.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["unrecorded"], ["single steps are not known", "nothing can be said of its values", "no trees to show"]),
        (["unproved"], ["No theorem was proved, so every curve stays at 0", "no cost of a proof", "a decision needs"]),
        (["one"], []),
        (["one", "small"], ["the first run has 1 theorems, the second 16"]),
    ],
)
def test_what_there_is_not_is_said(
    names: list[str], said: list[str], show: Show, runs: Callable[[str], Path], tmp_path: Path
) -> None:
    paths = [runs(name) for name in names]
    shown = show(write_report(paths, tmp_path / "a.html", SETTINGS).path)
    shown.page.locator(".chart svg").first.wait_for()
    text = shown.page.locator("main").inner_text()
    for words in said:
        assert words in text


def test_texts_of_a_run_stay_texts(show: Show, hostile: Path, tmp_path: Path) -> None:
    report = write_report([hostile], tmp_path / "a.html", SETTINGS).path
    shown = show(report)
    shown.page.locator(".chart svg").first.wait_for()
    assert shown.page.locator("#theorems tbody th").all_inner_texts() == sorted(ATTACKS)
    assert shown.page.locator("h1").inner_text() == hostile.name
    for theorem in ATTACKS:
        pick(shown, report, theorem)
        assert all(attack in shown.page.locator(".details pre.state").text_content() for attack in ATTACKS)
        shown.page.locator(".explorer canvas").focus()
        shown.page.keyboard.press("ArrowRight")
        shown.page.locator(".explorer canvas").hover()
    shown.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true })")
    assert shown.page.locator(".details .failed pre").count() >= 1
    assert shown.page.evaluate("window.pwned") is None
    assert shown.page.locator("img, main b:not(.big b, .tip b, .way b)").count() == 0


def test_twenty_thousand_states_can_be_walked_through(show: Show, runs: Callable[[str], Path], tmp_path: Path) -> None:
    report = write_report([runs("random")], tmp_path / "a.html", SETTINGS).path
    name = unpacked(report)["trees"][0]["id"]
    page = report.read_text(encoding="utf-8")
    begin = page.index(f'id="{name}">') + len(f'id="{name}">')
    report.write_text(page[:begin] + packed(large_tree(20_000)).decode() + page[page.index("<", begin) :])
    shown = show(report)
    assert len(shown.drawn) < 1000, "a large tree begins folded"
    shown.page.get_by_label("states that were not expanded").check()
    shown.page.get_by_role("button", name="Unfold all").click()
    assert len(shown.drawn) == 20_001
    shown.page.get_by_role("button", name="Fit all").click()
    shown.page.get_by_label("Find in states and tactics").fill("state 19999 ")
    assert shown.page.locator(".found").inner_text() == "1 found"
    shown.page.get_by_role("button", name="Next match").click()
    assert shown.state.startswith("state 19999 ")
    shown.page.locator(".explorer canvas").focus()
    shown.page.keyboard.press("ArrowLeft")
    assert not shown.state.startswith("state 19999 ")
    shown.page.get_by_role("button", name="Zoom in").click()
    shown.page.locator(".tools").get_by_role("button", name="Proof").click()
    assert len(shown.drawn) < 1000


def large_tree(states: int) -> dict[str, Any]:
    """A tree of so many states as :func:`~proofsearch.evaluation.report.tree.tree_data` has them: 16 children each."""
    rng = random.Random(0)
    parent, waiting, order = [-1], [0], {}
    while len(parent) < states:
        # Mostly one of those that were met last, so that it gets deep.
        node = waiting.pop(rng.randrange(max(0, len(waiting) - 1000), len(waiting)))
        order[node] = len(order)
        children = range(len(parent), min(len(parent) + 16, states))
        parent += [node] * len(children)
        waiting += children
    proof = [states - 1]
    while parent[proof[-1]] >= 0:
        proof.append(parent[proof[-1]])
    order[proof[0]] = len(order)
    logprob = [0.0]
    for node in range(1, states):
        logprob.append(logprob[parent[node]] - rng.random())
    return {
        "total": states,
        "parent": parent,
        "tactic": [-1] + [node % 50 for node in range(1, states)],
        "step": [0.0] * states,
        "logprob": logprob,
        "value": [rng.gauss(0, 1) for _ in range(states)],
        "priority": logprob,
        "seconds": [node / 1000 for node in range(states)],
        "goals": [1 + node % 4 for node in range(states)],
        "text": [f"state {node} {' '.join(str(rng.randrange(100)) for _ in range(40))}" for node in range(states)],
        "expansion": [order.get(node, -1) for node in range(states)],
        "born": [-1] + [order[parent[node]] for node in range(1, states)],
        "label": [0] * states,
        "remaining": [-1] * states,
        "proof": sorted(proof),
        "also": [],
        "ends": [[proof[0], 1, 0, -0.5, -1]],
        "finish": 0,
        "slowest": [],
        "strings": [f"tactic {number}" for number in range(50)],
    }
