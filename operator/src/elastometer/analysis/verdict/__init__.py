"""Objectives, data quality, summary and provenance: what the run amounts to, and how far it can be trusted.

May import every other room of the analysis except findings. Start reading at `objectives.py`.
"""
