"""A training loss for proofsearch's energy-based model that looks at hard decisions more than at easy ones."""
