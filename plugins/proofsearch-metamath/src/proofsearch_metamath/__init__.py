"""Metamath for proofsearch: reader, independent verifier, search environment, and a prefix of set.mm."""
