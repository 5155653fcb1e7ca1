"""Theorems to be proved, out of ``.lean`` files and data sets."""

from proofsearch_lean.theorems.audit import audit as audit
from proofsearch_lean.theorems.library import LeanLibrary as LeanLibrary
from proofsearch_lean.theorems.library import read_library as read_library
from proofsearch_lean.theorems.toolchains import compare_versions as compare_versions
