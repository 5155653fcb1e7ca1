"""A value for proofsearch that is learnt by ridge regression: how far a state is from a proof, and how sure that is."""
