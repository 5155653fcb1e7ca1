"""Databases: from the characters of a file to plain data, and where in the file something stands."""
