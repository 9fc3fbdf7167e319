"""The bundle put in order: objects as they were seen, Pods, scale events, replica curves, stages.

Every other room of the analysis reads a run through this one; it imports none of them.
Start reading at `evidence.py` (gather), then `scaling.py` and `pods.py`.
"""
