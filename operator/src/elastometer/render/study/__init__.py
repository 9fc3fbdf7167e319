"""The comparison of a study's variants -> report.json, report.md, report.html and junit.xml.

Derives nothing: a number that is not in the comparison is not shown. Start reading at `files.py`.
"""
