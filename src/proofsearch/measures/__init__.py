"""The measures and their intervals. They know numbers alone: no run, no search."""
