"""The executor ``ray``: searches on the machines of a Ray cluster."""
