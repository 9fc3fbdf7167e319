"""`elastometer simulate`: the report of a test that was never run, predicted by the simulator.

Options and output only; the prediction is in `twin.forecast`. Start reading at `command.py`.
"""
