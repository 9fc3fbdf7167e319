"""The lab's only exception: a message for the person who ran the command, with what to do next."""
from __future__ import annotations


class LabError(Exception):
    """Says what could not be done, why, and what to do about it; shown without a traceback."""
