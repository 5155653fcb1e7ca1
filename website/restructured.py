"""The few things of reStructuredText in this project's docstrings, as Markdown: roles, tables, literal blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):`(~?)([\w.]+)`")
"""A reference to an object; with a tilde only its last name is shown."""

_RULE = re.compile(r"^(=+)( +=+)+$")


def markdown(docstring: str, resolve: Callable[[str], str | None]) -> str:
    """A docstring as Markdown.

    Args:
        docstring: without the indentation of its source.
        resolve: gives the full path of the object that a reference means, or ``None`` where no page has it.
    """
    return _literal_blocks(_tables(_roles(docstring, resolve)))


def _roles(text: str, resolve: Callable[[str], str | None]) -> str:
    def reference(match: re.Match[str]) -> str:
        shown = match[2].rpartition(".")[2] if match[1] else match[2]
        path = resolve(match[2])
        # Optional: not every module has a page. That the names exist is for a test to see.
        return f"`{shown}`" if path is None else f'<autoref identifier="{path}" optional><code>{shown}</code></autoref>'

    return ROLE.sub(reference, text)


def _tables(text: str) -> str:
    """Simple tables: columns under rules of equals signs; a row goes on where its first cell is empty."""
    lines = text.split("\n")
    rules = [number for number, line in enumerate(lines) if _RULE.match(line.strip())]
    out, done = [], 0
    while rules:
        # With a heading a table has three rules, without one two; the last is followed by no row.
        count = 3 if len(rules) >= 3 and _is_heading(lines, rules) else 2
        out += [*lines[done : rules[0]], *_table(lines, rules[:count])]
        done, rules = rules[count - 1] + 1, rules[count:]
    return "\n".join([*out, *lines[done:]])


def _is_heading(lines: list[str], rules: list[int]) -> bool:
    return rules[1] == rules[0] + 2 and lines[rules[0]].strip() == lines[rules[2]].strip()


def _table(lines: list[str], rules: list[int]) -> Iterator[str]:
    columns = [match.span() for match in re.finditer(r"=+", lines[rules[0]])]
    spans = [(start, None if number == len(columns) - 1 else end) for number, (start, end) in enumerate(columns)]
    rows: list[list[str]] = []
    for number in range(rules[0] + 1, rules[-1]):
        if number in rules:
            continue
        cells = [lines[number][start:end].strip().replace("|", "\\|") for start, end in spans]
        if rows and not cells[0]:
            rows[-1] = [f"{before} {cell}".strip() for before, cell in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    head = rows.pop(0) if len(rules) == 3 else [""] * len(spans)
    for cells in (head, ["---"] * len(spans), *rows):
        yield f"| {' | '.join(cells)} |"


def _literal_blocks(text: str) -> str:
    """Two colons before an indented block are one in Markdown, which takes the block for code by its indentation."""
    return re.sub(r"::(?=\n\n {4})", ":", text)
