"""Checkpoints and recorded searches made ready for the hub, each with a card that says what it is."""

from __future__ import annotations
