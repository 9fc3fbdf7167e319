"""A key that a server sends back is known in whatever way JSON writes it."""

import json

import pytest

from elastometer_loadgen.base.secret import pattern_of

KEY = 'sk-ab/cd+e&f<g>"h\\i'


@pytest.mark.parametrize(
    "written",
    [KEY, json.dumps(KEY), json.dumps(KEY).replace("/", "\\/"),
     json.dumps(KEY).replace("&", "\\u0026").replace("<", "\\u003C").replace(">", "\\u003e")],
    ids=["as it is", "JSON", "slashes escaped", "HTML escaped"],
)
def test_a_key_is_found_however_it_is_escaped(written: str) -> None:
    assert pattern_of(KEY).search(f"bad key {written}.")
    assert "cd" not in pattern_of(KEY).sub("[key]", written)


def test_another_text_is_left_alone() -> None:
    assert pattern_of("sk-a.c").sub("[key]", "sk-abc SK-A.C sk-a.d") == "sk-abc SK-A.C sk-a.d"
