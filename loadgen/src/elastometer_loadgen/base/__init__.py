"""What every room shares: the request record, the clock, reading untrusted documents, files, templates, log lines.

Imports no other room. `record.py` is the one table of a record's keys, for the operator too: start there.
"""
