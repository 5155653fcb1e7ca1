"""Searching one theorem: states, what may be tried on them, steps, and from a path to a proof."""
