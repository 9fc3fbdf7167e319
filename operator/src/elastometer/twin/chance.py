"""The twin's only source of chance: everything that is drawn is drawn from a seed, and named by what it is for."""
from __future__ import annotations

import random


def stream(seed: int, purpose: str) -> random.Random:
    """Independent of every other purpose's, the same on every machine."""
    return random.Random(f"{seed}/{purpose}")
