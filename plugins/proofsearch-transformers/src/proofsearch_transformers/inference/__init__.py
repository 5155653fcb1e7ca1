"""Language models as they are asked: the generator and the encoder, and what both need."""
