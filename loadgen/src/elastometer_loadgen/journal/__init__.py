"""Files that survive a kill at any byte: the spool of records, the journal of a run, and the merge of many workers'.

May import profile, checks and base. The operator reads `merge` alone.
Start reading at `spool.py`; the record's keys are in `base/record.py`.
"""
