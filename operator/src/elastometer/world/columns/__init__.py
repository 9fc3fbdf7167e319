"""Requests, observations and series as columns: lines of JSON to Parquet when a run is sealed, and both to memory.

Start reading at `parquet.py`, then `requests.py`. What the columns mean is in docs/data.md.
"""
