"""Docstrings as Markdown."""

from __future__ import annotations

from restructured import markdown


def shown(text: str) -> str:
    return markdown(text, {"here.Thing": "there.Thing", "there.Thing": "there.Thing"}.get)


def test_roles_become_references_where_there_is_something_to_refer_to() -> None:
    link = '<autoref identifier="there.Thing" optional><code>{}</code></autoref>'
    assert shown("See :class:`there.Thing`.") == f"See {link.format('there.Thing')}."
    assert shown("See :func:`~here.Thing`.") == f"See {link.format('Thing')}."
    assert shown("See :meth:`~some.where.else`.") == "See `else`."


def test_a_table_without_a_heading() -> None:
    text = "Files:\n\n===== =======\n``a``  one,\n      two | three\n``b``  four\n===== =======\n\nEnd."
    assert shown(text) == "Files:\n\n|  |  |\n| --- | --- |\n| ``a`` | one, two \\| three |\n| ``b`` | four |\n\nEnd."


def test_a_table_with_a_heading_and_one_after_it() -> None:
    table = "=== ===\nx   y\n=== ===\n1   2\n=== ==="
    done = "| x | y |\n| --- | --- |\n| 1 | 2 |"
    assert shown(f"{table}\n\nand\n\n{table}") == f"{done}\n\nand\n\n{done}"


def test_a_literal_block_loses_its_second_colon() -> None:
    assert shown("So::\n\n    a = b[::2]\n") == "So:\n\n    a = b[::2]\n"
