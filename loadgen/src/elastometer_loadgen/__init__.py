"""The load generator of elastometer: open and closed loops against an OpenAI-compatible server, one record per request.

Works alone (`elastometer-load`) and does not depend on Kubernetes. Rooms open downwards only:
worker > results > drive, reporting, gauges > wire > plan, journal > profile > stages > checks > base.
Start reading at `worker/worker.py` for a run, at `profile/profile.py` for what a user writes.
"""

__version__ = "0.1.0"
