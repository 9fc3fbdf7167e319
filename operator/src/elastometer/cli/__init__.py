"""The command line `elastometer`, also `kubectl etest`. Only the edges: arguments in, text and exit codes out.

`main.py` lists the commands; each is a module or a package (what_if, simulate, hpa) with `configure` and `execute`.
May import every other package but controller. Start reading at `main.py`, then `run.py` as an example.
"""
