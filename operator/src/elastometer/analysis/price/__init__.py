"""What the replicas of a run cost, and what the same demand would have cost with other numbers of replicas.

Time is in whole milliseconds since the start of the load, so that sums are exact. Start reading at `price.py`.
"""
