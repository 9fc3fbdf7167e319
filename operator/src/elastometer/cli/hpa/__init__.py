"""`elastometer hpa replay` and `hpa explain`: re-evaluate the decisions of a HorizontalPodAutoscaler.

Options and output only: decisions are made in `elastometer.hpa`, the account in `analysis.autoscaler`. Start reading
at `command.py`.
"""
