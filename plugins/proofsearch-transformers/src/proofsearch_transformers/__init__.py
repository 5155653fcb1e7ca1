"""Models of transformers for proofsearch: frozen ones as encoders, causal ones as generators, and fine-tuning."""

__version__ = "0.1.0"
