"""Pages that are made from files outside of ``docs/``: the packages, the examples, the benchmarks, how to contribute.

What stands beside its source stays there, where it is read on its own too, and has a page in the site all the same.
"""

from __future__ import annotations

import ast
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

DOCS = PurePosixPath("docs")
"""Where the pages are that were written as such."""

BENCHMARKS = PurePosixPath("benchmarks")
"""Where the scripts are that the figures come from."""

_SHOWN = {".py": "python", ".toml": "toml", ".sh": "sh"}
"""Which files of an example are shown whole, and as what."""

_LINK = re.compile(r"(?<=\]\()([^()\s#]+)(?=[)#])")


def pages_of_documents(root: Path) -> Mapping[PurePosixPath, PurePosixPath]:
    """Which page shows a document, or a folder, that stands outside of ``docs/``.

    Args:
        root: of the repository.

    Returns:
        The place in the site by the path in the repository. The repository's own ``README.md`` is shown by nothing: its
        place is taken by the site's first page.
    """
    pages = {
        PurePosixPath("README.md"): PurePosixPath("index.md"),
        PurePosixPath("CONTRIBUTING.md"): PurePosixPath("contributing.md"),
        BENCHMARKS: PurePosixPath("benchmarks.md"),
    }
    for folder, place in (("examples", "examples"), ("plugins", "packages")):
        for file in sorted((root / folder).glob("*/README.md")):
            pages[_path(file, root)] = PurePosixPath(place, f"{file.parent.name}.md")
    return pages


def source_pages(root: Path) -> Mapping[PurePosixPath, str]:
    """The Markdown of every page that is made from files outside of ``docs/``, by its place in the site."""
    pages = {}
    for source, place in pages_of_documents(root).items():
        if place.name == "index.md":
            continue
        if source == BENCHMARKS:
            pages[place] = benchmarks_page(root)
            continue
        text = (root / source).read_text(encoding="utf-8")
        if source.parts[0] == "examples":
            text += "".join(_shown(root, source.parent))
        pages[place] = text
    return pages


def with_links_inside(text: str, source: PurePosixPath, root: Path) -> str:
    """Leads the links of a document to pages of the site, where its own lead to files of the repository.

    Args:
        text: Markdown.
        source: the document, relative to the repository.
        root: of the repository.
    """
    pages = pages_of_documents(root)
    place = _place(source, pages)

    def lead(match: re.Match[str]) -> str:
        target = PurePosixPath(os.path.normpath(source.parent / match[1]))
        if "://" in match[1] or not (root / target).exists():
            return match[1]
        if (root / target).is_dir() and target not in pages:
            target /= "README.md"
        if target.is_relative_to(DOCS) or target in pages:
            return os.path.relpath(_place(target, pages), place.parent)
        return match[1]

    return _LINK.sub(lead, text)


def benchmarks_page(root: Path) -> str:
    """What the scripts say of themselves that the figures of the documentation come from."""
    lines = [
        "# The scripts behind the figures",
        "",
        "Every figure of [the results](results.md) comes from one of these, or from the commands that stand beside it. "
        "They stand in `benchmarks/`, and each has `--help`.",
        "",
    ]
    for file in sorted((root / "benchmarks").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        runs = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if runs:
            lines += [f"## {file.name}", "", _as_markdown(ast.get_docstring(tree) or ""), ""]
    return "\n".join(lines)


def _shown(root: Path, folder: PurePosixPath) -> Iterator[str]:
    """The files of an example, folded."""
    yield "\n\n## Its files\n"
    for file in sorted((root / folder).rglob("*")):
        language = _SHOWN.get(file.suffix)
        text = file.read_text(encoding="utf-8").rstrip() if language else ""
        if text:
            body = "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())
            name = file.relative_to(root / folder).as_posix()
            yield f'\n??? example "`{name}`"\n\n    ```{language}\n{body}    ```\n'


def _as_markdown(docstring: str) -> str:
    """A script's docstring: its commands, which are indented, fenced, as they may follow a list."""
    text = re.sub(
        r"(?m)((?:^ {4}.*\n?)+)", lambda block: f"```sh\n{textwrap.dedent(block[1]).rstrip()}\n```\n", docstring
    )
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)


def _place(source: PurePosixPath, pages: Mapping[PurePosixPath, PurePosixPath]) -> PurePosixPath:
    return source.relative_to(DOCS) if source.is_relative_to(DOCS) else pages[source]


def _path(file: Path, root: Path) -> PurePosixPath:
    return PurePosixPath(file.relative_to(root).as_posix())
