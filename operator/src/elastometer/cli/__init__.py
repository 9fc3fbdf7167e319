"""The command line `elastometer`, also `kubectl etest`. Edges only: arguments in, text and exit codes out.

`main.py` lists the commands; each is a module here or a room (what_if, simulate, hpa) with `configure` and `execute`.
May import every other room but controller. Start reading at `main.py`, then `run.py` as an example.
"""
