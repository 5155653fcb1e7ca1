"""Pages that tell a reader what to do are followed to the letter, and print what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from walkthrough import blocks, first_missing, follow, own_environment

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of all pages: what the first one caches is there for the next."""
    folder = tmp_path_factory.mktemp("reader")
    return own_environment(folder) | {"PROOFSEARCH_CACHE_DIR": str(folder / "cache")}


@pytest.mark.parametrize(
    ("page", "least"), [("quickstart.md", 5), ("tutorial.md", 6), ("own-data.md", 3), ("scale.md", 1)]
)
def test_a_page_does_as_it_says(page: str, least: int, tmp_path: Path, environment: dict[str, str]) -> None:
    assert follow(DOCS / page, tmp_path, environment) >= least


PAGE = """
<!-- not run: it takes an hour -->
```sh
exit 1
```

```text
of a block that isn't run
```

```python title="made/here.py"
print("one")
print("two")
```

```sh
cd made
```

```sh
python here.py
```

```text
one
```
"""


def test_blocks_are_found() -> None:
    assert [(block.line, block.kind, block.path) for block in blocks(PAGE)] == [
        (11, "file", "made/here.py"),
        (16, "sh", ""),
        (20, "sh", ""),
        (24, "text", ""),
    ]


def test_a_page_is_followed_where_it_stands(tmp_path: Path, environment: dict[str, str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert follow(page, tmp_path, environment) == 2


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("python here.py", "exit 3", "page.md:20: exit code 3"),
        ("\none\n", "\nthree\n", "page.md:24: not printed.*'three'"),
    ],
)
def test_a_page_that_is_wrong_fails(old: str, new: str, why: str, tmp_path: Path, environment: dict[str, str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace(old, new))
    with pytest.raises(AssertionError, match=why):
        follow(page, tmp_path, environment)


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        ("a b\nd", None),
        ("a … c\n…\nd", None),
        ("…c", None),
        ("d\na b", "a b"),
        ("a", "a"),
        ("a b\na b", "a b"),
    ],
)
def test_output_is_compared_line_by_line(expected: str, missing: str | None) -> None:
    assert first_missing(expected, "a   b\na x y c\n\nd\n") == missing
