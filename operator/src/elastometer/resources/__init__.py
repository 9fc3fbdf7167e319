"""Builders of manifests: plan in, mapping out. Pure, no client.

May import plan and model. Start reading at `target.py`.
"""
