"""Shorter proofs of what a run proved: :func:`proofsearch.runs.minimising.run.minimise_run`.

A proof is taken apart into the parts of its states that share nothing (``subproofs``). Each part gets a search of
its own, bounded by the length of the proof that is known (``shorten``), and what was recorded of the run's search
is looked through first (``recorded``). The run's own check accepts what comes of it, or it is left as it was.
"""
