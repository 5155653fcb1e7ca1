"""This process: its standard streams, and what it uses of the machine."""
