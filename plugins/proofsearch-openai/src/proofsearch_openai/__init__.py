"""Served models for proofsearch: tactic generator and encoder over OpenAI-compatible HTTP."""

__version__ = "0.1.0"
