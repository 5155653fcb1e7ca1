"""The trainer ``lm``: from pairs of a state and a tactic to a causal language model."""
