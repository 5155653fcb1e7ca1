"""Plugins: the hooks, how they are found, what they registered, and how components are built from that."""
