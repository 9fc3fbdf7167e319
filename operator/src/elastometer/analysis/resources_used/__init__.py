"""What a run used: which series say it, what they were before, during and after the load, and how it fell on replicas.

`used.py` is the entry; `quantities.py` says what is measured and what brings it; `samples.py` reads series into frames,
`served.py` what metrics-server gave; `windows.py` has the parts of the run, `rows.py` derives the table, `lines.py` the
charts, `replicas.py` the heat map.
"""
