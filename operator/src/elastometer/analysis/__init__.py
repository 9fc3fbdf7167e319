"""Bundle -> Report: everything derived from a recorded run. Pure, no I/O and no clock.

Rooms: evidence (the bundle, put in order) > starts, requests > autoscaler > run > verdict, findings > analyze.
May import model, hpa and what the load generator shares. Start reading at `analyze.py`.
"""
