"""A value scorer for proofsearch that prefers states with small goals."""
