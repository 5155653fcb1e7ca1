"""The check of a found proof, in fresh processes that share nothing with the search.

A written proof is accepted if Lean elaborates the theorem as it stands in its source, with the script as its proof and
nothing else, if it rests on allowed axioms only, and if what has the theorem's name says what the statement says. A
second checker can be asked besides.
"""

from __future__ import annotations

from proofsearch_lean.verification.check import verify as verify
from proofsearch_lean.verification.checkers import find_checker as find_checker
