"""A study on the disk: the directory with its record and its report, and the runs that belong to it.

The operator keeps one for each study; `elastometer fetch` writes one that also holds the runs' bundles.
"""
