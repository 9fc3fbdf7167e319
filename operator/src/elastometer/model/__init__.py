"""The data types: what a test asks for, what was observed, what a report says, and the words that all packages share.

Pure, and imports no other package of the operator. Start reading at `spec.py`, `bundle.py` and `report.py`.
"""
