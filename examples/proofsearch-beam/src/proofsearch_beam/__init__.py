"""An example plugin for proofsearch: beam search, level by level."""
