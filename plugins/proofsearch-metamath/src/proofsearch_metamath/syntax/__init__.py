"""Syntax: the grammar that a database has, its parser, and the trees of its expressions."""
