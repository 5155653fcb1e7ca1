"""What a command of the tests gave back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Done:
    """A finished command: its exit code and what it printed."""

    code: object
    out: str
    err: str


Cli = Callable[..., Done]
"""Runs a command line, given as its arguments."""
