"""Rows of a dataset in a file are the same as inline, or refused with the file, the line, the rule and the value."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard

from elastometer_loadgen.base.files import from_directory, from_texts
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.profile.inputs import files_of, with_files
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile

CSV = 'theme,mood\nautumn,"calm, or\nso"\n"the ""sea""",7\n'
JSON_LINES = '{"theme": "autumn", "mood": "calm, or\\nso"}\n{"theme": "the \\"sea\\"", "mood": 7, "more": 1.5}\n'
ROWS = [{"theme": "autumn", "mood": "calm, or\nso"}, {"theme": 'the "sea"', "mood": "7"}]
STAGE = {"name": "s", "type": "Rate", "durationSeconds": 40, "endRequestsPerSecond": "1", "arrivals": "Constant"}


def document(**dataset: Any) -> dict[str, Any]:
    task = {"name": "poem", "prompt": "About {{ theme }}.", "dataset": dataset,
            "checks": [{"type": "Label", "labels": ["calm", "7"], "expected": "{{ mood }}"}]}
    return {"seed": 7, "tasks": [task], "endpoint": "Completions", "stages": [STAGE]}


def read(name: str, text: str) -> Profile:
    return with_files(parse_profile(document(file=name)), from_texts({name: text}))


@pytest.mark.parametrize(("name", "text"), [("rows.csv", CSV), ("rows.jsonl", JSON_LINES)])
def test_a_file_gives_the_rows_that_are_in_it(tmp_path: Path, name: str, text: str) -> None:
    def rows(profile: Profile) -> list[dict[str, str]]:
        return [{key: row[key] for key in ("theme", "mood")} for row in profile.tasks[0].dataset]

    assert rows(read(name, text)) == ROWS
    assert rows(read(name, text.rstrip("\n"))) == ROWS
    windows = "\ufeff" + text.replace("\n", "\r\n").replace("or\r\nso", "or\nso") + "\r\n\r\n"
    assert rows(read(name, windows)) == ROWS
    (tmp_path / name).write_bytes(windows.encode())
    assert rows(with_files(parse_profile(document(file=name)), from_directory(tmp_path))) == ROWS


def test_prompts_of_a_file_are_those_of_the_same_rows_inline() -> None:
    inline = PromptSource(parse_profile(document(inline=ROWS)))
    from_file = PromptSource(read("rows.csv", CSV))
    bodies = [inline.prompt(number).body for number in range(40)]
    assert [from_file.prompt(number).body for number in range(40)] == bodies
    assert {orjson.loads(body)["prompt"] for body in bodies} == {"About autumn.", 'About the "sea".'}


H = "theme,mood\n"
BAD = [
    ("r.csv", "", "r.csv must hold at least one row; it holds none"),
    ("r.csv", H, "r.csv must hold at least one row; it holds none"),
    ("r.csv", H + "a,b\nautumn\n", 'r.csv line 3: must have 2 columns, as its header has; got 1: "autumn"'),
    ("r.csv", "theme,mood,theme\na,b,c\n", "r.csv line 1: the header must name the column theme once; got "
     '"theme,mood,theme"'),
    ("r.csv", "Theme,mood\na,b\n", "r.csv line 1: the header must name the columns mood, theme; it lacks theme; got "
     '"Theme,mood"'),
    ("r.csv", H + 'a,"b', "r.csv line 2: must be CSV: unexpected end of data"),
    ("r.csv", "theme,mood,canary\na,b,c\n", "r.csv line 1: canary must have another name: this one is reserved for "
     "the request's own mark"),
    ("r.csv", "theme\nautumn\n", "r.csv line 1: the header must name the columns mood, theme; it lacks mood; got "
     '"theme"'),
    ("r.csv", H + "a,b,c\n", 'r.csv line 2: must have 2 columns, as its header has; got 3: "a,b,c"'),
    ("r.jsonl", "{", "r.jsonl line 1: must be a JSON object: Expecting property name enclosed in double quotes: line 1 "
     'column 2 (char 1); got "{"'),
    ("r.jsonl", '\n["autumn"]\n', "r.jsonl line 2: must be a JSON object and not a list (jq -c '.[]' FILE writes the "
     'objects of a list line by line); got "[\\"autumn\\"]"'),
    ("r.jsonl", '[{"theme": "a"}]', "r.jsonl line 1: must be a JSON object and not a list (jq -c '.[]' FILE writes the "
     'objects of a list line by line); got "[{\\"theme\\": \\"a\\"}]"'),
    ("r.jsonl", '{"theme": "a", "mood": "b", "canary": 1}\n', "r.jsonl line 1: canary must have another name: this one "
     "is reserved for the request's own mark"),
    ("r.jsonl", '{"theme": "a", "mood": ["b"]}\n', 'r.jsonl line 1: mood must be a string or a number; got ["b"]'),
    ("r.jsonl", '{"theme": "a", "mood": {"b": 1.50}}\n', "r.jsonl line 1: mood must be a string or a number; got "
     '{"b":1.5}'),
    ("r.jsonl", '{"theme": "a", "mood": NaN}\n', "r.jsonl line 1: mood must be a string or a number; got nan"),
    ("r.jsonl", '{"theme": "a", "mood": "\\ud83d"}\n', "r.jsonl line 1: mood must be text that UTF-8 can hold, and has "
     "half of an escaped character"),
    ("r.jsonl", '{"theme": "a", "mood": null}\n', "r.jsonl line 1: mood must be a string or a number; got null"),
    ("r.jsonl", '{"theme": "a", "mood": "b"}\n{"theme": "c"}\n{"theme": "d"}\n', "r.jsonl line 2: must hold the field "
     "'mood' that tasks[0].checks[0].expected uses; got {\"theme\":\"c\"}"),
    ("r.jsonl", '{"theme": "a", "mood": "b"}\n' * 100_001, "r.jsonl must hold at most 100000 rows; it holds more"),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD, ids=[words[:70] for _, _, words in BAD])
def test_a_bad_file_is_refused_by_line_rule_and_value(name: str, text: str, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        read(name, text)
    assert str(caught.value) == f"tasks[0].dataset.file {words}"


def test_every_file_of_a_profile_is_listed_with_its_path_and_absent_ones_are_faults() -> None:
    trace = {"name": "replay", "type": "Trace", "file": "azure.csv", "format": "AzureLLM"}
    profile = parse_profile({**document(file="rows.jsonl"), "stages": [STAGE, trace]})
    assert list(files_of(profile)) == [("tasks[0].dataset.file", "rows.jsonl"), ("stages[1].file", "azure.csv")]
    with pytest.raises(ProfileError) as caught:
        with_files(profile, from_texts({"other": ""}))
    assert [str(fault) for fault in caught.value.faults] == [
        "tasks[0].dataset.file rows.jsonl must be one of the files other",
        "stages[1].file azure.csv must be one of the files other",
    ]


def test_a_profile_on_disk_finds_its_files_in_its_directory(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        with_files(parse_profile(document(file="rows.csv")), from_directory(tmp_path))
    assert str(caught.value) == (
        f"tasks[0].dataset.file {tmp_path}/rows.csv must be a readable file: No such file or directory"
    )
    (tmp_path / "rows.csv").write_bytes(b"theme,mood\n\xff,b\n")
    with pytest.raises(ProfileError, match=r"rows.csv must be UTF-8 text: invalid start byte at byte 11"):
        with_files(parse_profile(document(file="rows.csv")), from_directory(tmp_path))


OTHERS = [
    ("r.csv", "theme;mood\nautumn;calm, or so\n", ("autumn", "calm, or so")),
    ("r.csv", "theme\tmood\nautumn\tcalm\n", ("autumn", "calm")),
    ("r.csv", ",theme,mood\n0,autumn,calm\n1,winter,7\n", ("autumn", "calm")),
    ("r.csv", "theme,mood,\nautumn,calm,\nwinter,7\n", ("autumn", "calm")),
    ("r.csv", "id,theme,mood,id\n1,autumn,calm,2\n", ("autumn", "calm")),
    ("r.csv", "\n  \n theme , mood \n\nautumn,calm\n   \n", ("autumn", "calm")),
    ("r.csv", 'theme,mood\n"a\r\nb, ""c""", calm \n', ('a\r\nb, "c"', " calm ")),
    ("r.jsonl", '{"theme": "a", "mood": 7.0, "more": {"a": [1, null]}, "none": null, "flag": true}', ("a", "7.0")),
    ("r.jsonl", '{"theme": "autumn", "mood": 18446744073709551617, "score": NaN, "half": "\\ud83d"}',
     ("autumn", "18446744073709551617")),
    ("r.jsonl", '{"theme": "autumn", "mood": 4.10}', ("autumn", "4.10")),
    ("r.jsonl", '{"theme": "autumn", "mood": true}', ("autumn", "true")),
    ("r.jsonl", '{"theme": "\\ud83d\\ude00", "mood": "\u2028"}', ("\U0001f600", "\u2028")),
]


@pytest.mark.parametrize(("name", "text", "row"), OTHERS, ids=[text[:40] for _, text, _ in OTHERS])
def test_a_file_that_others_wrote_is_read_by_the_columns_that_are_used(
    name: str, text: str, row: tuple[str, str]
) -> None:
    found = read(name, text).tasks[0].dataset[0]
    assert found == dict(zip(("theme", "mood"), row, strict=True))


def test_a_cell_may_hold_a_whole_document(tmp_path: Path) -> None:
    long = "word, " * 100_000
    assert read("r.csv", f'theme,mood\n"{long}",calm\n').tasks[0].dataset == ({"theme": long, "mood": "calm"},)


@pytest.mark.parametrize(("ending", "pack"), [
    (".gz", gzip.compress), (".zst", zstandard.compress), ("", gzip.compress), ("", zstandard.compress),
    (".zst", lambda data: zstandard.compress(data[:30]) + zstandard.compress(data[30:])),
])
def test_a_compressed_file_is_read_as_it_was_before(
    tmp_path: Path, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    for name, text in (("rows.csv", CSV), ("rows.jsonl", JSON_LINES)):
        packed = pack(("\ufeff" + text).encode())
        (tmp_path / f"{name}{ending}").write_bytes(packed)
        profile = parse_profile(document(file=f"{name}{ending}"))
        assert list(with_files(profile, from_directory(tmp_path)).tasks[0].dataset) == ROWS
        (tmp_path / f"{name}{ending}").write_bytes(packed[:-9])
        with pytest.raises(ProfileError, match="must be a complete file of gzip or zstd"):
            with_files(profile, from_directory(tmp_path))
