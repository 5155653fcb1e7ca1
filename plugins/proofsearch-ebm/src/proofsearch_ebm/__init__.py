"""An energy-based value function for proofsearch."""

__version__ = "0.1.0"
