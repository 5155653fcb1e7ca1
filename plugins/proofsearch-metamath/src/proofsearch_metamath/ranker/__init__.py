"""A learned policy: which assertion a goal wants, from two towers over hashed features."""
