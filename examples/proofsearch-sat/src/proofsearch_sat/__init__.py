"""An environment for proofsearch that refutes propositional formulas by cases, and a policy for it."""
