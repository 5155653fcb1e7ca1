"""Prepared databases: arrays that load at once, the terms that a search is made of, and unification."""
