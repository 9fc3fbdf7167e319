"""What would help a recorded run most: a small search near its settings, bounded so that every judgement can afford it.

May import search and below. It weighs candidates otherwise than `search` does: it looks for the one change that a
person would make first, and says how far off the twin may be. Start reading at `advise.py`.
"""
