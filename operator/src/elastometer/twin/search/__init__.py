"""What-if: other settings of an autoscaler on a recorded demand.

Rooms: vary (which settings) < score (how good a prediction is, on which draws) < answer (the whole reply).
May import fit and the engine. Start reading at `answer/run.py`.
"""
