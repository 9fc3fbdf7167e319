"""One worker process: its assignment, the common start, sending, reporting, and continuing after a restart.

May import every other room of the load generator; only `__main__` imports it.
Start reading at `worker.py`; what a restarted worker takes over is in `resumption.py`.
"""
