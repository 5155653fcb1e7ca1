"""Recorded searches: a versioned Parquet schema, its writer and reader, and the labels that training learns from."""
