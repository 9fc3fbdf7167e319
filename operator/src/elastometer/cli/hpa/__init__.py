"""`elastometer hpa replay` and `hpa explain`: decide again what a HorizontalPodAutoscaler decided.

Options and output only; decisions are in `elastometer.hpa`, the account in `analysis.autoscaler`. Start reading
at `command.py`.
"""
