"""Judging in a process of its own, with a bound on its memory.

No other test's stamps wait for it, and no run is so large that judging it ends the operator. `supervise` is the
operator's side, `__main__` the program of the process.
"""
