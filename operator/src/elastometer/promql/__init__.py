"""Queries in PromQL: which of them have an exact model, which series of a test they select, and what they return.

A query is read once into a tree, which says by name what it cannot model, and is then evaluated on the newest sample of
each series. No function over time is modelled: it would need the samples of a range. Knows neither Prometheus' API nor
the simulator. Start reading at `read.py`; `tree.py` has the nodes, `series.py` the labels, `evaluate.py` the values;
`at_zero.py` says whether triggers can have a value while no server runs.
"""
