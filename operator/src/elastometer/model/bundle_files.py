"""The names of the files of a run: in its directory while it lasts, and in the bundle that is kept of it.

What each holds is in docs/data.md. The writer of the directory, the writer and the reader of a bundle, the receiver
that serves it and the command line agree on these names.
"""
from __future__ import annotations

# Stands in any of them where a value was that must stay secret.
STRUCK = "(struck out)"

# What was tested, written when the run starts
SPEC = "spec.json"
PLAN = "plan.json"
PROVENANCE = "provenance.json"
START = "start.json"  # the instant that all workers share

# What was seen, appended line by line
OBSERVATIONS = "observations.jsonl"
SERIES = "series.jsonl"

# What the load workers sent: one file of records and one summary for each of them, then merged
WORKERS = "workers"
RECORDS_SUFFIX = ".jsonl"
SUMMARY_SUFFIX = ".summary.json"
REQUESTS = "requests.jsonl"
GENERATOR = "generator.json"
# The lines that they printed for their requests, where the load asks for any
LINES_SUFFIX = ".lines"
FINGERPRINTS = "fingerprints.jsonl"

# Notes of the operator to itself, for the case that it is restarted
HEARTBEAT = "heartbeat.json"
FILES = "files.json"  # the files of the load as they were read
TORN = "torn.json"  # torn last lines that were cut
MERGED = "merged.json"  # what the merge left out, kept until the manifest can say it

# The report
REPORT_JSON = "report.json"
REPORT_MARKDOWN = "report.md"
REPORT_HTML = "report.html"
JUNIT = "junit.xml"
REPORTS = (REPORT_JSON, REPORT_MARKDOWN, REPORT_HTML, JUNIT)

# The bundle
MANIFEST = "manifest.json"
# 1: lines of JSON, compressed as a whole; 2: observations, requests and series as columns
SCHEMA_VERSION = 2
COMPRESSED = ".zst"  # added to the name of a file that was compressed
COLUMNS_OF = {
    OBSERVATIONS: "observations.parquet", REQUESTS: "requests.parquet", SERIES: "series.parquet",
}
BUNDLE = "bundle.tar.zst"
BUNDLED = (
    SPEC, PLAN, PROVENANCE, START, COLUMNS_OF[OBSERVATIONS], COLUMNS_OF[REQUESTS], GENERATOR, COLUMNS_OF[SERIES],
    FINGERPRINTS + COMPRESSED, *REPORTS,
)
# Without one of these a bundle can be judged, and the report says that it is missing.
EXPECTED = (SPEC, START, OBSERVATIONS, REQUESTS, GENERATOR, SERIES, PROVENANCE)
