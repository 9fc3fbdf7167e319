"""Settings of a recorded run's autoscaler that are worth a live run, found by the twin.

The search is `twin.search`; here its front is weighed, reduced to a few variants that differ, and written as patches of
the test. Start reading at `tune.py`.
"""
