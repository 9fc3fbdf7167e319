"""Files that survive a kill at any byte: the spool of records and the journal; and the merge of all workers' records.

May import profile, stages, checks and base. The operator reads `merge` alone.
Start reading at `spool.py`; the record's keys are in `base/record.py`.
"""
