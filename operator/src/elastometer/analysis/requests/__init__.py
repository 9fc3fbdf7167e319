"""What clients experienced: latency distributions, misses of an objective, answers, knees, the timeline.

Reads evidence only. Start reading at `latency.py`.
"""
