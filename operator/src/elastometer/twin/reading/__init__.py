"""An autoscaler's own documents as the twin runs them: an HPA's metrics, a ScaledObject's triggers and formula.

Every field is modelled, has no part in a simulation, or is refused by name with its path. Nothing is dropped. May
import hpa, promql and the engine's `sources` and `scenario`. Start reading at `hpa_metrics.py` and `scaled_object.py`.
"""
