"""Checks of an answer: labels, JSON field by field, cross-talk, repetition, truncation, length, recall. Pure.

A check gives a verdict only on an answer that it can judge. May import base alone.
Start reading at `check.py` (the shape of every check), then `contract.py` (all checks of one task).
"""
