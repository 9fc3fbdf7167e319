"""The one exception of the lab: a sentence for the person who ran it, with what to do next."""
from __future__ import annotations


class LabError(Exception):
    """Says what could not be done, why, and what to do; shown without a traceback."""
