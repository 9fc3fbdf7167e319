"""A whole run, made up and always the same: written by hand, except for one simulated queue of requests.

`write_run` makes a run under an HPA; `write_answers` makes it with checked answers, retries and a knee search.
"""
