"""A recorded run as a scenario of the twin: capacity, cold starts, metric delays, each with its source and error.

Nothing is tuned until curves agree. May import the engine. Start reading at `calibrate.py`; `backtest.py` measures the
prediction error.
"""
