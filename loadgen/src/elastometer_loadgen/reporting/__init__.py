"""The client of the operator's receiver: carries records out while the run lasts and brings the Pods' addresses in.

Uses connections of its own, apart from the measured ones. May import wire (addresses), journal and below.
Start reading at `reporter.py`; the protocol is described in docs/data.md, "Receiver".
"""
