"""Named pathologies of a run, each with its evidence and its fix.

A finding is a function over `Facts` that yields findings or nothing; adding one touches this room, its test and
docs/report.md. May import every other room of the analysis except verdict. Start reading at `findings.py`.
"""
