"""Which settings may be varied, how a user writes them, and the scenario that a changed manifest makes.

Imports neither score nor answer. Start reading at `candidates.py`.
"""
