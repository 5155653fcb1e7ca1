"""Pages that are made from what stands beside the code, and links between them and those that were written."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from source_pages import benchmarks_page, source_pages, with_links_inside

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("docs/index.md", "../plugins/proofsearch-metamath/README.md", "packages/proofsearch-metamath.md"),
        ("docs/index.md", "../examples/proofsearch-shortest", "examples/proofsearch-shortest.md"),
        ("docs/index.md", "../benchmarks", "benchmarks.md"),
        ("docs/index.md", "../CONTRIBUTING.md", "contributing.md"),
        ("docs/python/index.md", "../../README.md", "../index.md"),
        ("docs/ebm.md", "evaluation.md#ranking-at-decisions", "evaluation.md#ranking-at-decisions"),
        ("CONTRIBUTING.md", "docs/decisions.md", "decisions.md"),
        ("plugins/proofsearch-metamath/README.md", "../../README.md", "../index.md"),
        ("plugins/proofsearch-ebm/README.md", "../../docs/ebm.md", "../ebm.md"),
        ("docs/index.md", "https://us.metamath.org/", "https://us.metamath.org/"),
        # What has no page, and what is not there, is left for the strict build to find.
        ("docs/index.md", "../pyproject.toml", "../pyproject.toml"),
        ("docs/index.md", "nowhere.md", "nowhere.md"),
    ],
)
def test_links_lead_to_pages(source: str, link: str, expected: str) -> None:
    text = with_links_inside(f"See [this]({link}).", PurePosixPath(source), ROOT)
    assert text == f"See [this]({expected})."


def test_an_example_is_shown_with_all_of_its_files() -> None:
    page = source_pages(ROOT)[PurePosixPath("examples/proofsearch-shortest.md")]
    folder = ROOT / "examples" / "proofsearch-shortest"
    for file in [folder / "pyproject.toml", *folder.glob("src/*/*.py"), *folder.glob("tests/*.py")]:
        assert f'"`{file.relative_to(folder).as_posix()}`"' in page
        assert all(f"    {line}" in page for line in file.read_text().splitlines() if line)


def test_every_script_that_can_be_run_is_described() -> None:
    page = benchmarks_page(ROOT)
    for file in (ROOT / "benchmarks").glob("*.py"):
        assert (f"## {file.name}\n" in page) == ('if __name__ == "__main__"' in file.read_text()), file.name
    assert "```sh\npython benchmarks/search_loop.py " in page
