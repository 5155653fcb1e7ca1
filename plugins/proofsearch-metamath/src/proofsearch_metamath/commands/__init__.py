"""The command group ``proofsearch metamath``."""
