"""What every room shares: the request record, the clock, parsing of untrusted documents, files, templates, log lines.

Imports no other room. Start reading at `record.py`, the one table of a record's keys, which the operator uses too.
"""
