"""The operator, the analysis and the command line of elastometer.

Rooms open downwards only: cli, controller > world > render > twin > analysis, resources > plan > hpa > model.
A run is recorded by `world`, driven by `controller`, and judged from its bundle by `analysis.analyze.judge`.
Start reading at `controller/decide.py` for a run, at `analysis/analyze.py` for a report.
"""
