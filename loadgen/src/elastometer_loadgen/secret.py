"""What can be sent as a key or a token. Pure, and without any of what sends it."""


def is_word(text: str) -> bool:
    """True for one word of printable ASCII text, which may stand in a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
