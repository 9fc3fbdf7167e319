"""How good a candidate is: scorecards, the Pareto front, the cliff; ranked on some draws, reported on held-out ones.

May import vary. Start reading at `scorecard.py`, then `searcher.py`.
"""
