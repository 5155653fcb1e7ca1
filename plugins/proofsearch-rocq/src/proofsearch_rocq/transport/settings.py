"""What every transport has the prover do: how it prints, and how long a tactic may run."""

from __future__ import annotations

import re

SETTINGS = ("Set Printing Depth 1000000.", "Set Printing Width 1000000.", "Set Printing Goal Names.")
"""The first sentences of each document: as far as it goes, distinct goals are printed as distinct texts."""

REPLAYED = 4
"""How many times its time-out a step has when it is run again: the machine may be busier than it was."""

SLACK = 10.0
"""Seconds for what takes no time unless the machine is very busy: parsing, taking back, printing."""

_TIMEOUT = re.compile(r"\bTimeout!|User interrupt\.")


def limited(sentence: str, seconds: int) -> str:
    """A sentence that the prover itself stops when its time is over."""
    return f"Timeout {seconds} {sentence}"


def is_timeout(message: str) -> bool:
    """Whether a refusal says that the time was over."""
    return _TIMEOUT.search(message) is not None and len(message) < 60
