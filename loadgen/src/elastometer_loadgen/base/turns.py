"""Which turn of which conversation a request is, by its number alone. Pure.

A conversation has the number of its first turn, which is that of its arrival in the schedule or of its user's ask.
Further turns have the same number, with the turn in the bits above those of every schedule and every closed loop.
"""

# Requests of closed loops stay below 2^47. With 64 turns all stay below 2^53: exact for whoever reads JSON numbers as
# floating ones.
TURN_BITS = 47
MOST_TURNS = 64


def turn_id(conversation: int, turn: int) -> int:
    """The number of a turn, counted from 1."""
    return conversation + (turn - 1 << TURN_BITS)


def conversation_of(request_id: int) -> int:
    """The number of the first turn; of a request that is no conversation its own."""
    return request_id & (1 << TURN_BITS) - 1


def turn_of(request_id: int) -> int:
    """Which turn it is, counted from 1."""
    return (request_id >> TURN_BITS) + 1
