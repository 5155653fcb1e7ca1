"""An example plugin for proofsearch: the order of Levin tree search."""
