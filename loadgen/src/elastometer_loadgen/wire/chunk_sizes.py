"""The size lines of chunks, so that a whole chunk is recognised without a parser of HTTP. Pure."""

MAX_CHUNK_BYTES = 4096
# Matches nothing: no chunk starts like this.
NOTHING = b"\0"


def _size_line(length: int) -> bytes:
    """The size line of a chunk that is `length` bytes long in all: size line, data and the CR LF that ends it."""
    # chunk = chunk-size CRLF chunk-data CRLF, with the size in hexadecimal: RFC 9112, section 7.1
    # (https://www.rfc-editor.org/rfc/rfc9112#section-7.1). Capital digits or leading zeros take the slow way.
    for digits in range(1, 5):
        line = b"%x\r\n" % max(length - digits - 4, 0)
        if len(line) == digits + 2:
            return line
    return NOTHING


SIZE_LINES = tuple(_size_line(length) for length in range(MAX_CHUNK_BYTES))
