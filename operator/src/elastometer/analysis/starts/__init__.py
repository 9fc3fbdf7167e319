"""How replicas came and went: cold starts as waterfalls, scale-out lag, scale-in with what was lost.

Reads evidence only. Start reading at `waterfall.py`: its table CHAIN is the order of the milestones, and a new phase
is a new row there; `coldstart.py` finds the instants.
"""
