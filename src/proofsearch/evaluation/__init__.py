"""Measures: ranking at decisions, separation, calibration, paired statistics and budgets, with their intervals."""
