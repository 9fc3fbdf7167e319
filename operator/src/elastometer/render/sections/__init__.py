"""One module for each section of a report: its rows in Markdown, and the values that its HTML template needs.

A section reads its own part of the report and knows no other section; `markdown` and `html` put them in order.
"""
