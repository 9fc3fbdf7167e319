"""The answer of a what-if as tables, Markdown and HTML.

May import the rest of render, and `twin.search` for what it draws. Start reading at `rows.py`.
"""
