"""The answer of a gate without a cluster: rows for a terminal, Markdown for a pull request, JUnit, and JSON.

Start reading at `rows.py`.
"""
