"""Requests by what was asked: by task, Sweep length, group and input length, with the line of latency over length.

Start with `by_input`, which makes the table; `parts` cuts the requests, `rows` counts them, `line` fits and compares.
May import everything below `analysis.tables` but the story.
"""
