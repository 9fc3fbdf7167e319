"""The logs of the server containers: followed from start to end, and what of them is stored.

`logs.py` follows them through breaks and restarts; `stored_log.py` says which lines are kept and which only counted.
"""
