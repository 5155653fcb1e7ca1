"""The HTML file: the page's own files and the libraries in one, with the data compressed beside them.

Nothing that a run holds is ever written as HTML. It is JSON, compressed and in base 64, which no browser can take for
markup; the page makes text nodes of it. A content security policy lets the browser run the two scripts of this file
and nothing else, and load nothing from anywhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

GENERATOR = "proofsearch report"
"""What the page's ``generator`` says: a file with it may be replaced."""

SCRIPTS = (
    "dom.js",
    "charts.js",
    "summary.js",
    "solved.js",
    "costs.js",
    "endings.js",
    "values.js",
    "theorems.js",
    "model.js",
    "picture.js",
    "canvas.js",
    "details.js",
    "toolbar.js",
    "explorer.js",
    "trees.js",
    "start.js",
)
"""The page's own scripts, in the order in which they build on each other."""

LIBRARIES = ("d3.min.js", "plot.umd.min.js")
"""Third parties' scripts, in ``assets/vendor`` with their licences."""


def page(title: str, summary: Mapping[str, Any], trees: Mapping[str, bytes]) -> bytes:
    """The whole file, UTF-8.

    Args:
        title: of the page; any text.
        summary: what :func:`proofsearch.evaluation.report.summary.summary_data` gave.
        trees: by the id that ``summary`` has for it, each tree as :func:`packed` makes it.
    """
    libraries = "\n".join(_asset(f"vendor/{name}") for name in LIBRARIES)
    own = "\n".join(_asset(name) for name in SCRIPTS)
    parts = {
        "policy": f"default-src 'none'; script-src {_source(libraries)} {_source(own)}; style-src 'unsafe-inline'",
        "generator": GENERATOR,
        "title": html.escape(title),
        "style": _asset("style.css"),
        "licences": html.escape(_asset("vendor/LICENSES.txt")),
        "data": "\n".join([_block("data", packed(summary)), *(_block(name, data) for name, data in trees.items())]),
        "libraries": libraries,
        "own": own,
    }
    # In one pass, so that nothing that was put in is looked at again.
    filled = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html"))
    return filled.encode("utf-8", "replace")


def packed(value: object) -> bytes:
    """JSON, gzip, base 64. Equal values give equal bytes."""
    content = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
    return base64.b64encode(gzip.compress(content, 7, mtime=0))


def _block(name: str, data: bytes) -> str:
    return f'<script type="text/plain" id="{name}">{data.decode("ascii")}</script>'


def _source(script: str) -> str:
    """A script as the content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (resources.files("proofsearch.evaluation.report") / "assets" / name).read_text(encoding="utf-8")
