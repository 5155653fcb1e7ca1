"""Searching over Lean's own language server, which every toolchain has."""
