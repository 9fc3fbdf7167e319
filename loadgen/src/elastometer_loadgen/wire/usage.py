"""The numbers of tokens that a server states. Pure."""

# Beyond this, numbers of JSON are not exact for every reader.
MAX_COUNT = 2**53


def later_count(value: object, before: int | None, *, is_empty: bool = False) -> int | None:
    """What a server has counted by now: a later 0, or no number, does not take back what it counted `before`.

    A 0 counts only for an answer that `is_empty`.
    """
    count = _count(value)
    return count or before or (count if is_empty else None)


def _count(value: object) -> int | None:
    """A gateway that reads and writes all numbers as floating point makes 10.0 of 10."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MAX_COUNT else None
