"""The trackers themselves, a module each: what of a tracker's library is used, and nothing else."""
