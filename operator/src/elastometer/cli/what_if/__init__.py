"""`elastometer what-if`: a recorded run under other settings of its autoscaler.

Options and output only; the search is in `twin.search`, the tables in `render.what_if`. Start reading at `command.py`.
"""
