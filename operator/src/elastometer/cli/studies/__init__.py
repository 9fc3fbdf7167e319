"""Comparing runs without a cluster: which bundles are meant, their reports, and the comparison in words.

May import `cli.base`. Start reading at `groups.py`.
"""
