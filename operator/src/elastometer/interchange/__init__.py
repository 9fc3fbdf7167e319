"""A judged run in the formats of other tools: llm-d's benchmark report, OpenTelemetry traces, CSV tables.

Pure: a report and its run in, documents out. Where a format has no place for a number, or the run does not have the
number that a format asks for, the number is left out; none is made up.
"""
