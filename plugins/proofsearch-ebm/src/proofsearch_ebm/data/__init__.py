"""Recorded searches as a dataset: what is known of their states, in columns, and the rows that an encoder makes."""
