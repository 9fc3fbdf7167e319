"""Recorded traffic is replayed as it was, or refused with the file, the line, the rule and the value."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from elastometer_loadgen.base.files import from_directory
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.plan.sized import WORDS, SizedText
from elastometer_loadgen.profile.inputs import with_files
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile
from elastometer_loadgen.stages.trace_file import Size

AZURE = """TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:16:46.6805900,879,0
"""
BURST = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45.5,GPT-4,1087,230,1317,API log
118,ChatGPT,417,276.0,693,Conversation log
"""
MOONCAKE = """{"timestamp": 0, "input_length": 1100, "output_length": 500, "hash_ids": [0, 1, 2]}
{"timestamp": 3052, "input_length": 1030, "output_length": 490, "hash_ids": [0, 1, 14]}
{"timestamp": 3052, "input_length": 20, "output_length": 5}
"""


def profile(folder: Path, text: str | bytes, form: str, **fields: Any) -> Profile:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / "trace").write_bytes(data)
    stage = {"name": "replay", "type": "Trace", "file": "trace", "format": form, **fields}
    return with_files(parse_profile({"seed": 7, "stages": [stage]}), from_directory(folder))


def plan(folder: Path, text: str | bytes, form: str, **fields: Any) -> list[tuple[float, int, int]]:
    arrivals = compute_schedule(profile(folder, text, form, **fields)).share(0, 1)
    return [
        (round(arrival.at, 6), arrival.size.prompt_tokens, arrival.size.output_tokens)
        for arrival in arrivals
        if arrival.size
    ]


@pytest.mark.parametrize(
    ("form", "text", "wanted"),
    [
        ("AzureLLM", AZURE, [(0.0, 374, 44), (4.314579, 396, 109), (60.0, 879, 1)]),
        ("BurstGPT", BURST, [(0.0, 472, 18), (40.5, 1087, 230), (113.0, 417, 276)]),
        ("Mooncake", MOONCAKE, [(0.0, 1100, 500), (3.052, 1030, 490), (3.052, 20, 5)]),
    ],
)
def test_instants_and_tokens_are_those_of_the_file(
    tmp_path: Path, form: str, text: str, wanted: list[tuple[float, int, int]]
) -> None:
    assert plan(tmp_path, text, form) == wanted
    windows = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n"
    assert plan(tmp_path, windows, form) == wanted
    assert plan(tmp_path, text.rstrip("\n"), form) == wanted


def test_the_time_scale_stretches_the_times_and_durationSeconds_cuts_them(tmp_path: Path) -> None:
    assert [at for at, _, _ in plan(tmp_path, BURST, "BurstGPT", timeScale="0.5")] == [0.0, 20.25, 56.5]
    assert [at for at, _, _ in plan(tmp_path, BURST, "BurstGPT", timeScale="2", durationSeconds=81)] == [0.0]
    assert [at for at, _, _ in plan(tmp_path, BURST, "BurstGPT", timeScale="2", durationSeconds=82)] == [0.0, 81.0]


def test_the_stage_after_a_trace_begins_at_the_next_whole_second(tmp_path: Path) -> None:
    read = profile(tmp_path, AZURE, "AzureLLM")
    assert (read.stages[0].duration_seconds, float(read.stages[0].expected)) == (61, 3.0)
    (tmp_path / "trace").write_text(AZURE)
    stages = [{"name": "replay", "type": "Trace", "file": "trace", "format": "AzureLLM"},
              {"name": "after", "type": "Rate", "durationSeconds": 2, "endRequestsPerSecond": "1",
               "arrivals": "Constant"}]
    schedule = compute_schedule(with_files(parse_profile({"stages": stages}), from_directory(tmp_path)))
    assert [(arrival.id, arrival.at, arrival.stage) for arrival in schedule.share(1, 2)] == [
        (1, pytest.approx(4.314579), "replay"), (3, 61.5, "after"),
    ]


def test_the_newer_azure_files_with_an_offset_are_read(tmp_path: Path) -> None:
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,1452,3\n" \
           "2024-05-10 01:00:00.017335+01:00,637,7\n"
    assert plan(tmp_path, text, "AzureLLM") == [(0.0, 1452, 3), (0.007405, 637, 7)]


H = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
OK = "2023-11-16 18:15:46,1,1\n"
BAD: list[tuple[str, str | bytes, str]] = [
    ("AzureLLM", "", "trace must hold at least one request; it holds none"),
    ("AzureLLM", H, "trace must hold at least one request; it holds none"),
    ("AzureLLM", BURST, "trace line 1: the header must name the columns TIMESTAMP, ContextTokens, GeneratedTokens; "
     'it lacks ContextTokens, GeneratedTokens; got "Timestamp,Model,Request tokens,Response tokens,'
     'Total tokens,Log Type"'),
    ("AzureLLM", H + OK + "2023-11-16 18:15:45,1,1\n", "trace line 3: its time must not go back in time from "
     "2023-11-16 18:15:46 on the line before; got 2023-11-16 18:15:45"),
    ("AzureLLM", H + "yesterday,1,1\n", "trace line 2: TIMESTAMP must be a date and time such as "
     '2023-11-16 18:15:46.6805900; got "yesterday"'),
    ("AzureLLM", H + "2023-11-16 18:15:46,-1,1\n", "trace line 2: ContextTokens must be a number of tokens of at "
     'least 0; got "-1"'),
    ("AzureLLM", H + "2023-11-16 18:15:46,1,many\n", "trace line 2: GeneratedTokens must be a number of tokens of at "
     'least 0; got "many"'),
    ("AzureLLM", H + "2023-11-16 18:15:46,1.5,1\n", "trace line 2: ContextTokens must be a whole number up to 1000000; "
     'got "1.5"'),
    ("AzureLLM", H + "2023-11-16 18:15:46,1,1000001\n", "trace line 2: GeneratedTokens must be a whole number up to "
     '1000000; got "1000001"'),
    ("AzureLLM", H + OK + "2023-11-16 18:15:47,1\n", "trace line 3: must have 3 columns, as its header has; "
     'got 2: "2023-11-16 18:15:47,1"'),
    ("AzureLLM", H.encode() + b"\xff\xfe,1,1\n", "trace must be UTF-8 text: invalid start byte at byte 40"),
    ("AzureLLM", H + '"' + "x" * 200_000, "trace line 2: must be CSV: unexpected end of data"),
    ("BurstGPT", BURST + "3,GPT-4,1,1,2,API log\n", "trace line 5: its time must not go back in time from 118 on the "
     "line before; got 3"),
    ("BurstGPT", BURST + "nan,GPT-4,1,1,2,API log\n", "trace line 5: Timestamp must be a number of seconds of at "
     'least 0; got "nan"'),
    ("BurstGPT", BURST + "1e999,GPT-4,1,1,2,API log\n", "trace line 5: Timestamp must be a number of seconds of at "
     'least 0; got "1e999"'),
    ("BurstGPT", BURST + "1e308,GPT-4,1,1,2,API log\n", "trace line 5: its time must be at most 10 years after 5 "
     "on line 2; got 1e308, which is counted in seconds unless timeUnit says otherwise"),
    ("AzureLLM", H + OK + "9999-12-31 23:59:59,1,1\n", "trace line 3: its time must be at most 10 years after "
     "2023-11-16 18:15:46 on line 2; got 9999-12-31 23:59:59"),
    ("Mooncake", MOONCAKE + '{"timestamp": 1e308, "input_length": 1, "output_length": 1}', "trace line 4: its "
     "time must be at most 10 years after 0 on line 1; got 1e+308, which is counted in milliseconds unless timeUnit "
     "says otherwise"),
    ("Mooncake", "{", "trace line 1: must be a JSON object: Expecting property name enclosed in double quotes: line 1 "
     'column 2 (char 1); got "{"'),
    ("Mooncake", "[1]\n", "trace line 1: must be a JSON object and not a list (jq -c '.[]' FILE writes the "
     'objects of a list line by line); got "[1]"'),
    ("Mooncake", MOONCAKE + '{"timestamp": 1, "input_length": 1, "output_length": 1}', "trace line 4: its time must "
     "not go back in time from 3052 on the line before; got 1"),
    ("Mooncake", '{"timestamp": "0x", "input_length": 1, "output_length": 1}', "trace line 1: timestamp must be a "
     'number of milliseconds of at least 0; got "0x"'),
    ("Mooncake", '{"timestamp": 0, "output_length": 1}', "trace line 1: input_length must be a number of tokens of at "
     "least 0; got null"),
    ("Mooncake", '{"timestamp": 0, "input_length": 1, "output_length": true}', "trace line 1: output_length must be a "
     "number of tokens of at least 0; got true"),
    ("Mooncake", '{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": [1, "2"]}', "trace line 1: "
     'hash_ids must be a list of integers of at least 0; got [1,"2"]'),
]


@pytest.mark.parametrize(("form", "text", "words"), BAD)
def test_a_bad_file_is_refused_by_line_rule_and_value(
    tmp_path: Path, form: str, text: str | bytes, words: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        profile(tmp_path, text, form)
    assert [str(fault) for fault in caught.value.faults] == [
        f"stages[0].file {words}".replace("trace must be UTF-8", f"{tmp_path}/trace must be UTF-8")
    ]


def test_a_file_that_cannot_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    stage = {"name": "replay", "type": "Trace", "file": "absent.csv", "format": "AzureLLM"}
    with pytest.raises(ProfileError) as caught:
        with_files(parse_profile({"stages": [stage]}), from_directory(tmp_path))
    rule = "must be a readable file: No such file or directory"
    assert str(caught.value) == f"stages[0].file {tmp_path}/absent.csv {rule}"
    with pytest.raises(ProfileError, match="must be a readable file: Is a directory"):
        with_files(parse_profile({"stages": [stage | {"file": "."}]}), from_directory(tmp_path))


def test_a_trace_that_plays_for_longer_than_a_week_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        profile(tmp_path, AZURE, "AzureLLM", timeScale="20000")
    assert str(caught.value) == (
        "stages[0].timeScale must play the trace within 604800 s, or durationSeconds must cut it off; "
        "it takes 1200001 s"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"file": None}, "stages[0].file must be given; it is absent"),
        ({"format": None}, "stages[0].format must be given; it is absent"),
        ({"format": "Azure"}, 'stages[0].format must be one of AzureLLM, BurstGPT, Mooncake (did you mean AzureLLM?)'),
        ({"timeScale": "0"}, 'stages[0].timeScale must be a decimal string from "0.000001" to "1000000"; got "0"'),
        ({"timeScale": 1}, '(in quotes); got 1'),
        ({"durationSeconds": 0}, "stages[0].durationSeconds must be an integer from 1 to 604800; got 0"),
        ({"arrivals": "Poisson"}, "stages[0].arrivals is not a known field"),
    ],
)
def test_a_bad_field_of_a_trace_stage_is_refused(fields: dict[str, Any], words: str) -> None:
    stage = {"name": "replay", "type": "Trace", "file": "x", "format": "AzureLLM", **fields}
    with pytest.raises(ProfileError) as caught:
        parse_profile({"stages": [stage]})
    assert words in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_prompt_has_one_word_per_token_and_the_answer_its_tokens(tmp_path: Path) -> None:
    read = profile(tmp_path, AZURE, "AzureLLM")
    source = PromptSource(read, "m")
    prompts = [source.of(arrival) for arrival in compute_schedule(read).share(0, 1)]
    bodies = [orjson.loads(prompt.body) for prompt in prompts]
    assert [len(body["messages"][0]["content"].split()) for body in bodies] == [374, 396, 879]
    assert [(body["max_tokens"], body["ignore_eos"]) for body in bodies] == [(44, True), (109, True), (1, True)]
    assert {prompt.task for prompt in prompts} == {"trace"}
    assert {body["model"] for body in bodies} == {"m"}


def test_mooncake_prompts_share_the_text_of_the_blocks_that_they_share(tmp_path: Path) -> None:
    read = profile(tmp_path, MOONCAKE, "Mooncake")
    source = PromptSource(read)
    first, second, _ = (
        orjson.loads(source.of(arrival).body)["messages"][0]["content"].split()
        for arrival in compute_schedule(read).share(0, 1)
    )
    assert (len(first), len(second)) == (1100, 1030)
    assert first[:1024] == second[:1024]
    assert first[1024:1030] != second[1024:]


def test_no_two_requests_begin_alike_and_any_length_is_met() -> None:
    text = SizedText(7)
    opened = {text.prompt(number, Size("t", 16, 1)) for number in range(3000)}
    assert len(opened) == 3000
    assert len({words[:16] for words in opened}) == 3000, "the number is spelt by the very first words"
    for tokens in (1, 2, 11, 12, 65_536, 70_000, 200_000):
        assert len(text.prompt(41, Size("t", tokens, 1)).split()) == tokens
    assert text.prompt(5, Size("t", 40, 1)) == SizedText(7).prompt(5, Size("t", 40, 1))


def test_the_words_are_distinct_and_of_one_length() -> None:
    assert len(set(WORDS)) == 64
    assert {len(word) for word in WORDS} == {3}
