"""The scorer of a search."""
