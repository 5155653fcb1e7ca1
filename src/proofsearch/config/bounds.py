"""How large numbers in options may be: what is beyond would run, and lose its result or the machine.

Every number of every configuration is held to :data:`LARGEST` where its field says nothing closer
(:class:`proofsearch.config.FrozenModel`), so a new option can't forget it.
"""

from __future__ import annotations

LARGEST = 10**9
"""Counts, seconds, weights: a run without a bound is asked for with ``none``, not with a large number."""

LARGEST_SEED = 2**32 - 1
"""Seeds of trainings and draws: numpy's older generators take no other."""

LARGEST_SEARCH_SEED = 2**63 - 1
"""Seeds of searches, which only hash them; a trajectory keeps them in 64 bits with their sign."""

MOST_WORKERS = 4096
"""Processes and threads of one machine."""

MOST_RESAMPLES = 10**6
"""Draws of a bootstrap, whose memory grows with their number."""

MOST_SHARDS = 100_000
"""Parts of a selection, each a run of its own."""

WIDEST = 2**20
"""Columns of vectors and layers."""
