"""The spec of each variant, and the runs of a study in their order."""
