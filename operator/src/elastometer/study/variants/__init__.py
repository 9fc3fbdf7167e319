"""The variants of a study: their patches, the tests that they make, and the order of the runs. Pure.

Start reading at `accepted.py`, which parses a study and checks that its variants can be made.
"""
