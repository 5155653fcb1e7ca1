"""The policy knn: what served on similar goals, from an index of examples on the disk."""
