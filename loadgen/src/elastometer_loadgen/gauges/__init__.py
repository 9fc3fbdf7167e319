"""What the generator observes about itself while it runs: lateness, loop lag, CPU, /metrics, progress, checks.

Never decides anything about the load. May import wire and the rooms below it.
Start reading at `vitals.py`: it says whether the generator, not the server, was the limit.
"""
