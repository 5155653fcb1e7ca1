"""Makes the shipped database: set.mm (CC0) up to where its part "add the Axiom of Replacement" begins.

    python scripts/make_prefix.py PATH/TO/set.mm

The cut is at the top level, so what stands before it is a whole database: nothing is rewritten.
"""

from __future__ import annotations

import sys
from pathlib import Path

HEADING = "ZF Set Theory - add the Axiom of Replacement"
OUT = Path(__file__).parent.parent / "src" / "proofsearch_metamath" / "data" / "set-prefix.mm"


def main() -> None:
    """Cuts before the comment that holds the heading (its second mention; the first is in no heading)."""
    text = Path(sys.argv[1]).read_text(encoding="ascii")
    at = text.rindex("$(", 0, text.index(f"\n  {HEADING}") if f"\n  {HEADING}" in text else text.index(HEADING))
    note = (
        "$( This file is the beginning of set.mm (see below), cut where its part\n"
        f'"{HEADING}" begins;\nnothing else is changed.  It comes with proofsearch-metamath. $)\n\n'
    )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(note + text[:at].rstrip() + "\n", encoding="ascii")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
