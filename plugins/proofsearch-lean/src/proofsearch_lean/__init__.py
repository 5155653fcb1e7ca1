"""Lean 4 as a prover for proofsearch: theorems, search over the language server, checks in a fresh process."""
