"""A profile says the same to this program and to the API server, and survives being written and read again."""

from typing import Any

import pytest
import yaml

from elastometer_loadgen.base.document import read_document, read_documents, write_document


@pytest.mark.parametrize(("text", "value"), [
    ("1e-8", 1e-8), ("1.0e-8", 1e-8), ("1E3", 1000), ("1e+3", 1000), ("-2.5e1", -25), (".5", 0.5), ("1.", 1),
    ("4.0", 4), ("1e20", 10**20), ("1e21", 1e21),
    ("0.01", 0.01), ("12:30", "12:30"), ("1:30.5", "1:30.5"), ("2026-11-16", "2026-11-16"),
    ("2026-11-16 18:15:46", "2026-11-16 18:15:46"), ("010", 8), ("0x10", 16), ("0b11", 3), ("1_000", 1000), ("0", 0),
    ("-7", -7), ("+7", 7), ("9" * 25, int("9" * 25)), ("08", 8), ("1.2.3", "1.2.3"), ("e3", "e3"), ("-", "-"),
    (".", "."), ("1e", "1e"), ("yes", True), ("y", True), ("N", False), ("off", False), ("=", "="), ("null", None),
    ("~", None), ('"1e3"', "1e3"), ("0o10", 8),
])
def test_a_plain_word_is_what_kubectl_takes_it_for(text: str, value: Any) -> None:
    found = read_document(f"key: {text}")["key"] if text != "-" else read_document('key: "-"')["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("word", [
    "1e3", "1e-8", "12:30", "2026-11-16", "010", "0x10", "1_000", "true", "yes", "on", "n", "null", "~", "", " a ", "-",
    "a: b", "# a", "ü", "line\nline", ".5", "1.", "<<", "=", 1e-8, 0.01, 1000, 10**25, 1e300, True, None,
])
def test_what_is_written_is_read_again_as_it_was(word: Any) -> None:
    document = {"value": word, "list": [word, {"key": word}], "7": 1}
    again = read_document(write_document(document))
    assert again == document
    assert type(again["value"]) is type(word)


@pytest.mark.parametrize(("text", "name"), [
    ("1: x", "1"), ("on: x", "true"), ("y: x", "true"), ("1.50: x", "1.5"), ("010: x", "8"), ("12:30: x", "12:30"),
])
def test_a_key_is_the_text_that_it_is_in_json(text: str, name: str) -> None:
    assert read_document(text) == {name: "x"}


@pytest.mark.parametrize(("text", "problem", "line"), [
    ("a: 1\nb: 2\na: 3", "'a' is given twice", "line 3"), ('1: a\n"1": b', "'1' is given twice", "line 2"),
    ("a: {b: 1, b: 1}", "'b' is given twice", "line 1"), ('yes: a\n"true": b', "'true' is given twice", "line 2"),
    ("a: 1\n~: b", "a key must be a string, is None", "line 2"),
    ("[a]: b", "a key must be a string, is ['a']", "line 1"),
    ("a: &a {b: *a}", "recursive", "line 1"), ("a:\n  <<: b", "what is merged must be a mapping, is 'b'", "line 2"),
])
def test_a_key_that_json_could_not_have_is_refused_with_its_line(text: str, problem: str, line: str) -> None:
    with pytest.raises(yaml.YAMLError) as refused:
        read_document(text)
    assert problem in str(refused.value)
    assert line in str(refused.value)


@pytest.mark.parametrize(("last", "merged"), [
    ("{<<: *a}", {"k": 1, "l": 2}), ("{<<: *b}", {"k": 3, "l": 2}), ("{<<: [*a, *b], l: 4}", {"k": 1, "l": 4}),
    ("{<<: [*b, *a]}", {"k": 3, "l": 2}), ("{l: 5, <<: {<<: *b, k: 6}}", {"k": 6, "l": 5}),
])
def test_the_first_that_is_merged_wins_over_others_and_its_own_keys_over_what_it_merges(
    last: str, merged: dict[str, int],
) -> None:
    assert read_document(f"a: &a {{k: 1, l: 2}}\nb: &b {{<<: *a, k: 3}}\nc: {last}")["c"] == merged


def test_several_documents_are_read_in_their_order() -> None:
    assert read_documents("a: 1\n---\n---\nb: y") == [{"a": 1}, None, {"b": True}]
