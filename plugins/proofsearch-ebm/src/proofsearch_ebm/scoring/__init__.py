"""The scorer of a search, and how its values are mixed with log-probabilities."""
