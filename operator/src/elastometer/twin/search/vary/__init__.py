"""Which settings may be varied, how a user writes them, and the scenario that results from a changed manifest.

Imports neither score nor answer. Start reading at `candidates.py`.
"""
