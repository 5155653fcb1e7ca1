"""The encoders that come along, and the features of goals that they and the policy ``knn`` count."""
