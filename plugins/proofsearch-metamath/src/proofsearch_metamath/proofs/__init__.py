"""Proofs: their graphs and letters, and the independent verifier, which shares no code with the search."""
