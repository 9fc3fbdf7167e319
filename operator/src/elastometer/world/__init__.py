"""Hands: everything that touches the API server, Prometheus, logs, disk and clocks.

Records what was seen and judges nothing. May import model, plan and resources. Start reading at `recorder.py`
(what is watched), then `run_store.py` (what is kept).
"""
