"""The head: its architecture, the module that is trained, the matrices that a search runs, and its checkpoint."""
