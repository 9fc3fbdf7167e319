"""Named pathologies of a run, each with its evidence and its fix.

A finding is a function that yields findings or nothing; `findings.py` calls them all with the parts of `Facts` that
they need. Adding one touches this room, its word in `model/findings.py`, its test and docs/report.md. May import
every other room of the analysis except verdict. Start reading at `findings.py`, then `starts.py` as an example.
"""
