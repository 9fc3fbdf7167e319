"""A recorded run as a scenario of the twin: capacity, cold starts, metric delays, each with its source and error.

Every parameter is measured; none is tuned until the curves agree. May import the engine. Start reading at
`calibrate.py`; `backtest.py` measures the prediction error.
"""
