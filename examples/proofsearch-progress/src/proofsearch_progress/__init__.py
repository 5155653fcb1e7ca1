"""An example plugin for proofsearch: how a run goes, as a table to plot."""
