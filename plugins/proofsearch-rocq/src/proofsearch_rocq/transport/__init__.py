"""How a running prover is talked to: coqidetop's XML protocol, or petanque."""
