"""What the operator tells Prometheus about itself. No names of tests: the number of series stays fixed."""
from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()
OBSERVATIONS = Counter("elastometer_observations", "Observations recorded.", ["kind"], registry=REGISTRY)
WATCH_GAPS = Counter("elastometer_watch_gaps", "Times in which nothing was watched.", ["resource"], registry=REGISTRY)
RECORDERS = Gauge("elastometer_recorders", "Runs that are being recorded.", registry=REGISTRY)
RUNS_REGISTERED = Gauge("elastometer_runs_registered", "Runs whose records or bundle are served.", registry=REGISTRY)
RECORDS_RECEIVED = Counter("elastometer_records_received", "Request records taken from load workers.",
                           registry=REGISTRY)
BYTES_RECEIVED = Counter("elastometer_record_bytes_received", "Bytes of records stored.", registry=REGISTRY)
POSTS_REFUSED = Counter("elastometer_posts_refused", "Calls to the receiver refused, by HTTP status.", ["status"],
                        registry=REGISTRY)
