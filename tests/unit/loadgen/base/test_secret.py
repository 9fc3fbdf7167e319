"""A key that a server sends back is known in whatever way JSON writes it."""

import json

import pytest

from elastometer_loadgen.base.secret import as_written

KEY = 'sk-ab/cd+e&f<g>"h\\i'


@pytest.mark.parametrize(
    "written",
    [KEY, json.dumps(KEY), json.dumps(KEY).replace("/", "\\/"),
     json.dumps(KEY).replace("&", "\\u0026").replace("<", "\\u003C").replace(">", "\\u003e")],
    ids=["as it is", "JSON", "slashes escaped", "HTML escaped"],
)  # fmt: skip
def test_a_key_is_found_however_it_is_escaped(written: str) -> None:
    assert as_written(KEY).search(f"bad key {written}.")
    assert "cd" not in as_written(KEY).sub("[key]", written)


def test_another_text_is_left_alone() -> None:
    assert as_written("sk-a.c").sub("[key]", "sk-abc SK-A.C sk-a.d") == "sk-abc SK-A.C sk-a.d"
