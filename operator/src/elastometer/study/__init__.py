"""A study: variants of one test, their runs compared, and other settings asked of the twin. Pure.

Rooms: variants (what is run) < compare (what it showed) < gate, tune (what the twin predicts without a run).
"""
