"""Groups of states that are compared with each other, drawn an epoch at a time."""
