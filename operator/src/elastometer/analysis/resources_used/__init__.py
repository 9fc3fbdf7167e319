"""What a run used: which series say it, what they were before, during and after the load, and how it fell on replicas.

`quantities.py` says what is measured and what brings it, `measurements.py` reads all of it once: `samples.py` from
series, `served.py` from metrics-server, `filled.py` from the log. `windows.py` has the parts of the run, `figures.py`
and `comparison.py` what is derived of one. The entries are `used.py` (the section of resources: `rows.py` its table,
`lines.py` its charts, `replicas.py` the heat map), `levels.py`, `memory.py`, and `saturation.py` with `limits.py`.
"""
