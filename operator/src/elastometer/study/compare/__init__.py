"""Runs of several variants, compared measure by measure with the noise between runs."""
