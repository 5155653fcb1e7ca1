"""Experiment trackers for proofsearch, as observers of searches and trainings."""
