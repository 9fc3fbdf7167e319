"""Findings from the answers: from what the checks found in each, and from the tables that are made of them.

`checked` has those of another request or task and those that fail under load, `tables` what ends answers early,
repeats, is forgotten or does not keep to its structure.
"""
