"""Which turn of which conversation a request is, by its id alone. Pure.

A conversation has the id of its first turn, which is that of its arrival in the schedule or of its user's request.
Further turns have the same id, with the turn in the bits above those of every schedule and every closed loop.
"""

# Ids of closed loops stay below 2^47. With 64 turns all ids stay below 2^53, so they are exact for programs that read
# JSON numbers as floating-point numbers.
TURN_BITS = 47
MAX_TURNS = 64


def turn_id(conversation: int, turn: int) -> int:
    """The id of a turn; turns count from 1."""
    return conversation + (turn - 1 << TURN_BITS)


def conversation_of(request_id: int) -> int:
    """The id of the first turn; a request that is not part of a conversation has its own."""
    return request_id & (1 << TURN_BITS) - 1


def turn_of(request_id: int) -> int:
    """Which turn a request is, counted from 1."""
    return (request_id >> TURN_BITS) + 1
