"""The types of stages that a load is made of, one module each. Pure.

A stage says everything about itself that other rooms need: how long it lasts, what it is expected to send and when,
and how a person reads it. A new type is a module here, a word in `StageType` and a row in `parse.py`; a closed loop
needs its runner in `drive` too. May import checks and base. Start reading at `stage.py`, then at `rate.py` as the
simplest example.
"""
