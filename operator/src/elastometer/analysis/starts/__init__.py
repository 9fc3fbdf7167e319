"""How replicas came and went: cold starts as waterfalls, scale-out lag, scale-in with what was lost.

Reads evidence only. Start reading at `waterfall.py`; `coldstart.py` finds the instants. The order of the milestones
and the phases between them are the table CHAIN of `model/milestones.py`: a new phase is a new row there.
"""
