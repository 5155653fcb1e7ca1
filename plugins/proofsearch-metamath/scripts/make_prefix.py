"""Makes the shipped database: set.mm (CC0) up to where its part "add the Axiom of Replacement" begins.

    python scripts/make_prefix.py PATH/TO/set.mm

The cut is at the top level, so what stands before it is a whole database: nothing is rewritten. Only the comments
``$( Begin $[ FILE $] $)``, by which the reference program splits the file, get those that end them.
"""

from __future__ import annotations

import re
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
    unfinished: list[str] = []
    for mark, name in re.findall(r"\$\( (Begin|End) \$\[ (\S+) \$\] \$\)", text[:at]):
        unfinished = [*unfinished, name] if mark == "Begin" else unfinished[:-1]
    ends = "".join(f"\n$( End $[ {name} $] $)\n" for name in reversed(unfinished))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(note + text[:at].rstrip() + "\n" + ends, encoding="ascii")
    print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
