"""The results of a run from its records: percentiles by stage and task, a series per second, summary.json, the page.

Reads finished records and never sends. May import gauges, wire, journal and the rooms below them.
Start reading at `totals.py`; `publish.py` turns the directories of one run's workers into one result.
"""
