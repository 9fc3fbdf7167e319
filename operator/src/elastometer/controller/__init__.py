"""The control loop of one test: `decide(plan, status, seen, now)` says what is next, `act` does it.

Only this room knows kopf. May import every other room but cli. Start reading at `decide.py` (pure), then `daemon.py`.
"""
