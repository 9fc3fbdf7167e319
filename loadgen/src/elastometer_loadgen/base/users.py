"""What a virtual user's k-th request is called, and how long it thinks, by seed and id alone. Pure.

A simulation of the same load draws the same numbers with these functions.
"""

import math
from hashlib import blake2b

# The ids of closed-loop requests are (stage + 1, user, number of that user's request), so they lie above those of any
# schedule, which has at most 10 million arrivals. A count or a sweep has one sequence for all its users: user is 0.
STAGE_BITS, USER_BITS = 38, 24
FIRST_CLOSED_ID = 1 << STAGE_BITS
# A user whose request was lost waits this long: a server that refuses at once would draw thousands of requests per
# second.
MIN_SECONDS_AFTER_LOSS = 1.0


def request_id(stage: int, user: int, number: int) -> int:
    """The id of a user's request in a stage."""
    return (stage + 1 << STAGE_BITS) + (user << USER_BITS) + number


def think_seconds(least: float, span: float, seed: int, request: int) -> float:
    """How long a user thinks after a request: uniform in [least, least + span), from the seed and the request alone."""
    if not span:
        return least
    # A hash instead of a random stream: what one user draws must not depend on how many others drew before it.
    digest = blake2b(f"{seed}/thinks/{request}".encode(), digest_size=7).digest()
    return least + math.ldexp(int.from_bytes(digest, "big"), -56) * span
