"""How large a search tree is in a report, and how long a browser takes over it.

    python benchmarks/report.py [--expansions 700] [--runs 7]

One theorem of the shipped prefix that is not proved is searched to the limit, and a report is made of it. For each run
a headless Chromium (playwright's, or the system's) opens it anew; the median and the range of these times:

* `open`: from the start of loading to the first picture of the tree, its data unpacked;
* `unfold`: all of its states laid out and drawn;
* `find`: a word looked for in all states and tactics, and what was found marked;
* `frame`: one picture of all states, as while the tree is moved.

Needs playwright, and a Chromium that it can start.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, sync_playwright

from proofsearch.config import RunConfig
from proofsearch.evaluation.report import write_report
from proofsearch.runs.run import run_search

THEOREM = "ssiun"
"""Not proved by log-probability alone within thousands of expansions."""

PICTURE = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
MEASURES = {
    "unfold": f"it.tree.leaves = true; it.tree.unfoldAll(); it.show(0); {PICTURE}",
    "find": f"it.tools.search.value = 'syl'; it.find(); {PICTURE}",
    "frame": "it.canvas.draw();",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expansions", type=int, default=700)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="report-"))
    config = RunConfig.model_validate(
        {"select": {"theorems": (THEOREM,)}, "search": {"limit": {"expansions": arguments.expansions}}}
    )
    run_search(config, folder / "run")
    report = folder / "report.html"
    write_report([folder / "run"], report)
    content = report.read_text(encoding="utf-8")
    tree = content.partition('id="tree-0-0">')[2].partition("<")[0]
    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = _browser(playwright)
        for _ in range(arguments.runs):
            shown = _measure(browser, report, times)
    size = len(tree)
    print(f"{THEOREM}, {arguments.expansions} expansions: {shown:,} states drawn")
    print(f"report {len(content) / 1e6:.2f} MB, of which the tree {size / 1e6:.2f} MB, {size / shown:.0f} B a state")
    for name, spent in times.items():
        spread = f"{min(spent):.0f} to {max(spent):.0f}"
        print(f"{name}: median {statistics.median(spent):.0f} ms ({spread}), {len(spent)} runs")


def _browser(playwright: Any) -> Browser:
    for executable in (None, shutil.which("chromium"), shutil.which("google-chrome")):
        try:
            return playwright.chromium.launch(executable_path=executable)
        except Error as error:
            last = error
    raise SystemExit(f"no browser could be started: {last}")


def _measure(browser: Browser, report: Path, times: dict[str, list[float]]) -> int:
    """Opens the report once and measures; returns how many states were drawn."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(report.as_uri())
    page.wait_for_selector(".explorer[data-shown]")
    times.setdefault("open", []).append(page.evaluate(f"async () => {{ {PICTURE} return performance.now() }}"))
    explorer = "const it = document.querySelector('.explorer').explorer;"
    for name, act in MEASURES.items():
        spent = page.evaluate(
            f"async () => {{ {explorer} const began = performance.now(); {act} return performance.now() - began }}"
        )
        times.setdefault(name, []).append(spent)
    shown = page.evaluate(f"() => {{ {explorer} return it.canvas.nodes.length }}")
    page.close()
    return int(shown)


if __name__ == "__main__":
    main()
