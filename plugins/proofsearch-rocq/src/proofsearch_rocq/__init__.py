"""Rocq (Coq) for proofsearch."""
