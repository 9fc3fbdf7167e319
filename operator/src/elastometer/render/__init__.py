"""Report -> JSON, Markdown, HTML, JUnit. Pure: the same report gives the same bytes.

Derives nothing: a number that is not in the report is not drawn. `wording` phrases numbers for all formats.
Start reading at `files.py`.
"""
