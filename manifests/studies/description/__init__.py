"""What the studies ask, once for all sizes; `generate.py` writes a manifest of each from it."""
