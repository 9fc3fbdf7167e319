"""Keys and tokens: what may be one, and how it is found in a text. Pure; nothing here sends anything."""

import re

# Carries the token of a run, from a load worker or the command line to the operator.
TOKEN_HEADER = "X-Elastometer-Token"


def pattern_of(secret: str) -> re.Pattern[str]:
    """Finds a secret in a text from the server: as it is, or escaped in any way that JSON allows."""
    letters = (f"(?:{re.escape(char)}|\\\\{re.escape(char)}|\\\\u(?i:{ord(char):04x}))" for char in secret)
    return re.compile("".join(letters))


def is_word(text: str) -> bool:
    """True for one word of printable ASCII text, which may be the value of a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
