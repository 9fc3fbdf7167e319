"""Nouns: what a test asks for, what was seen, what a report says, and the words that all rooms share. Pure.

Imports no other room of the operator. Start reading at `spec.py`, `bundle.py` and `report.py`.
"""
