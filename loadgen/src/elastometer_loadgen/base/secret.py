"""What can be sent as a key or a token. Pure, and without any of what sends it."""

import re

# Carries the token of a run, from a load worker or the command line to the operator.
TOKEN_HEADER = "X-Elastometer-Token"


def as_written(secret: str) -> re.Pattern[str]:
    """Finds a secret in a text that somebody else wrote: as it is, or escaped in any way that JSON knows."""
    letters = (f"(?:{re.escape(one)}|\\\\{re.escape(one)}|\\\\u(?i:{ord(one):04x}))" for one in secret)
    return re.compile("".join(letters))


def is_word(text: str) -> bool:
    """True for one word of printable ASCII text, which may stand in a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
