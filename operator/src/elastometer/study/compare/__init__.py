"""Runs of several variants, compared measure by measure with the noise between runs.

Pure: reports and what was asked go in, a `Comparison` comes out, the same for the operator, the command line and tests.
"""
