"""What the autoscaler saw and decided at each sync, replayed by `hpa.step`, and the seconds lost to each cause.

Reads evidence; knows nothing of verdicts. Start reading at `explain_run.py`; docs/hpa.md has the rule in words.
"""
