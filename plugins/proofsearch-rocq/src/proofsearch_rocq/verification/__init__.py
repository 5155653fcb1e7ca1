"""The check of a found proof, in a fresh process that shares nothing with the search."""

from proofsearch_rocq.verification.check import verify as verify
from proofsearch_rocq.verification.text import proof_text as proof_text
