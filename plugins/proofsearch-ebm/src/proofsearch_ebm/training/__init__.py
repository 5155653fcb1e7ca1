"""A training from a dataset to a checkpoint, and how it is watched and judged."""
