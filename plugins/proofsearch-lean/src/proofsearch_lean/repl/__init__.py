"""Searching over the REPL of the Lean community, through lean-interact (``proofsearch-lean[repl]``)."""
