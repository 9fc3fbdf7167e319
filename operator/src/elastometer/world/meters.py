"""The operator's own metrics for Prometheus. No labels with names of tests, so that the number of series is fixed."""
from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

REGISTRY = CollectorRegistry()
OBSERVATIONS = Counter("elastometer_observations", "Observations recorded.", ["kind"], registry=REGISTRY)
WATCH_GAPS = Counter("elastometer_watch_gaps", "Intervals in which a resource was not watched.", ["resource"],
                     registry=REGISTRY)
RECORDERS = Gauge("elastometer_recorders", "Runs that are being recorded now.", registry=REGISTRY)
RUNS_REGISTERED = Gauge("elastometer_runs_registered", "Runs whose records are accepted or whose bundle is served.",
                        registry=REGISTRY)
RECORDS_RECEIVED = Counter("elastometer_records_received", "Request records received from load workers.",
                           registry=REGISTRY)
BYTES_RECEIVED = Counter("elastometer_record_bytes_received", "Bytes of request records stored.", registry=REGISTRY)
POSTS_REFUSED = Counter("elastometer_posts_refused", "Requests that the receiver refused, by HTTP status.", ["status"],
                        registry=REGISTRY)
