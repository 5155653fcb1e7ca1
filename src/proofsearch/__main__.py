"""``python -m proofsearch``: the command ``proofsearch``."""

from __future__ import annotations

from proofsearch.cli.main import run

if __name__ == "__main__":
    run()
