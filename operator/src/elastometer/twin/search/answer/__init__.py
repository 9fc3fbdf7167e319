"""From a calibrated run and the user's options to the answer, its comparison between two runs, and the patch.

May import vary and score. Start reading at `run.py`.
"""
