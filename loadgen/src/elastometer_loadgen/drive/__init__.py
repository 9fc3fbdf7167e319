"""When each request is sent: one runner per type of stage, open loop (pacer) and closed loop (users, knee search).

Decides instants only: what is sent comes from `plan`, how it is sent is the business of `wire`.
Start reading at `stage_runner.py`, which carries out the stages of a profile one after another.
"""
