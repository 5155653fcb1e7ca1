"""A look into written reports."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any


def unpacked(report: Path, name: str = "data") -> Any:
    """What a report holds under an id."""
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]*)</script>', report.read_text(encoding="utf-8"))
    assert found is not None, f"no element {name}"
    return json.loads(gzip.decompress(base64.b64decode(found[1])))
