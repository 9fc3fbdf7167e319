"""The times of a trace count what the format or the profile says; a file that looks otherwise is warned of."""

from typing import Any

import pytest

from elastometer_loadgen.base.files import from_texts
from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.inputs import with_files
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile


def replay(text: str, form: str, **fields: Any) -> Profile:
    stage = {"name": "replay", "type": "Trace", "file": "t", "format": form, **fields}
    return with_files(parse_profile({"stages": [stage]}), from_texts({"t": text}))


def instants(profile: Profile) -> list[float]:
    return [round(arrival.at, 9) for arrival in compute_schedule(profile).share(0, 1)]


def azure(*times: object) -> str:
    return "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(f"{at},10,5\n" for at in times)


def burst(*times: object) -> str:
    return "Timestamp,Request tokens,Response tokens\n" + "".join(f"{at},10,5\n" for at in times)


def mooncake(*times: object) -> str:
    return "".join(f'{{"timestamp": {at}, "input_length": 10, "output_length": 5}}\n' for at in times)


@pytest.mark.parametrize(("unit", "text"), [
    ("Seconds", mooncake(0, "0.25", 2)), ("Milliseconds", mooncake(0, 250, 2000)),
    ("Microseconds", mooncake(0, 250_000, 2_000_000)), ("Nanoseconds", mooncake(0, 250_000_000, 2_000_000_000)),
    ("Seconds", burst("1700000000", "1700000000.25", "1700000002")),
    ("Milliseconds", burst(1_700_000_000_000, 1_700_000_000_250, 1_700_000_002_000)),
    ("Nanoseconds", burst(1_700_000_000_000_000_000, 1_700_000_000_250_000_000, 1_700_000_002_000_000_000)),
    ("Microseconds", azure(1_700_000_000_000_000, 1_700_000_000_250_000, 1_700_000_002_000_000)),
    ("Milliseconds", burst('"0"', '" 250 "', '"2e3"')), ("Seconds", mooncake('"0"', '"0.25"', '"2.0"')),
])
def test_a_given_unit_is_what_the_numbers_count_and_settles_every_doubt(unit: str, text: str) -> None:
    form = "Mooncake" if text[0] == "{" else "BurstGPT" if text[0:2] == "Ti" else "AzureLLM"
    profile = replay(text, form, timeUnit=unit)
    assert instants(profile) == [0.0, 0.25, 2.0]
    assert profile.stages[0].warning is None
    assert profile.stages[0].details()["timeUnit"] == unit


def test_neighbouring_nanoseconds_of_this_century_differ() -> None:
    first = 1_700_000_000_123_456_789
    text = mooncake(first, first + 1, first + 3)
    assert instants(replay(text, "Mooncake", timeUnit="Nanoseconds")) == [0, 1e-9, 3e-9]


@pytest.mark.parametrize(("form", "text", "unit", "reason"), [
    ("Mooncake", mooncake(0, 3, 7, 11), "Seconds", "every gap between its times is below 10"),
    ("Mooncake", mooncake(0, 0, 9, 9, 18), "Seconds", "every gap between its times is below 10"),
    ("Mooncake", mooncake(0, "12.5", 900), "Seconds", "its times have fractions"),
    ("Mooncake", mooncake("1700000000.5", "1700000100.25"), "Seconds", "time, 1700000000.5, would then be a date"),
    ("Mooncake", mooncake(1_700_000_000, 1_700_000_060), "Seconds", "its first time, 1700000000, would then be a date"),
    ("Mooncake", mooncake(1_700_000_000_000_000, 1_700_000_000_900_000), "Microseconds", "be a date"),
    ("BurstGPT", burst(1_700_000_000_000, 1_700_000_000_020), "Milliseconds", "be a date of this century"),
    ("BurstGPT", burst(0, 3000, 6000, 6000, 9000), "Milliseconds", "every gap between its times is at least 1000"),
])
def test_times_that_seem_to_count_something_else_are_read_as_the_format_says_and_warned_of(
    form: str, text: str, unit: str, reason: str
) -> None:
    stage = replay(text, form, timeScale="0.000001").stages[0]
    assert stage.warning is not None
    read_as = {"Mooncake": "Milliseconds", "BurstGPT": "Seconds"}[form]
    assert stage.warning.startswith(f"the times of t are read as {read_as}, but look like {unit}, since ")
    assert reason in stage.warning
    assert stage.warning.endswith(f"; set timeUnit of stage replay to {unit} or, if they are right, to {read_as}")
    assert stage.details()["warning"] == stage.warning
    assert replay(text, form, timeScale="0.000001", timeUnit=read_as).stages[0].warning is None


@pytest.mark.parametrize(("form", "text"), [
    ("Mooncake", mooncake(0, 3000, 3000, 6001)), ("Mooncake", mooncake(0, 0, 0)), ("Mooncake", mooncake(5)),
    ("Mooncake", mooncake(1_700_000_000_000, 1_700_000_000_003)), ("Mooncake", mooncake(0, 9, 19)),
    ("BurstGPT", burst(5, 45.5, 118)), ("BurstGPT", burst(0, "0.001", "0.002")), ("BurstGPT", burst(0, 5000)),
    ("BurstGPT", burst(1_700_000_000, 1_700_000_001)), ("BurstGPT", burst(0, 5000, "9000.5")),
    ("AzureLLM", azure("2023-11-16 18:15:46", "2023-11-16 18:15:46.001")),
])
def test_times_that_may_well_be_what_the_format_says_are_not_doubted(form: str, text: str) -> None:
    assert replay(text, form).stages[0].warning is None


@pytest.mark.parametrize("form", ["AzureLLM", "BurstGPT", "Mooncake"])
def test_dates_are_read_in_every_format_and_need_no_unit(form: str) -> None:
    dates = ("2024-05-10 00:00:00+00:00", "2024-05-10T00:00:00.25Z", "2024-05-10 01:00:02+01:00")
    text = mooncake(*(f'"{date}"' for date in dates)) if form == "Mooncake" else (
        azure if form == "AzureLLM" else burst)(*dates)
    for unit in ({}, {"timeUnit": "Nanoseconds"}):
        assert instants(replay(text, form, **unit)) == [0.0, 0.25, 2.0]


@pytest.mark.parametrize(("form", "text", "fields", "words"), [
    ("AzureLLM", azure(1_700_000_000), {}, "stages[0].file t line 2: TIMESTAMP must be a date and time such as "
     '2023-11-16 18:15:46.6805900, or timeUnit must say what numbers count; got "1700000000"'),
    ("BurstGPT", burst(5, "2024-05-10"), {}, "stages[0].file t line 3: its time must be a number, as 5 on line 2; got "
     "2024-05-10"),
    ("AzureLLM", azure("2024-05-10", 5), {"timeUnit": "Seconds"}, "t line 3: its time must be a date, as 2024-05-10 on "
     "line 2; got 5"),
    ("Mooncake", mooncake("NaN"), {}, "t line 1: timestamp must be a number of milliseconds of at least 0; got nan"),
    ("Mooncake", mooncake("true"), {}, "timestamp must be a number of milliseconds of at least 0; got true"),
    ("Mooncake", mooncake("null"), {}, "timestamp must be a number of milliseconds of at least 0; got null"),
    ("Mooncake", mooncake(-1), {}, "timestamp must be a number of milliseconds of at least 0; got -1"),
    ("BurstGPT", burst("1_000"), {}, 'Timestamp must be a number of seconds of at least 0; got "1_000"'),
    ("BurstGPT", burst('"1,5"'), {}, 'Timestamp must be a number of seconds of at least 0; got "1,5"'),
    ("BurstGPT", burst("0x10"), {}, 'Timestamp must be a number of seconds of at least 0; got "0x10"'),
    ("BurstGPT", burst(""), {}, 'Timestamp must be a number of seconds of at least 0; got ""'),
    ("BurstGPT", burst("inf"), {}, 'Timestamp must be a number of seconds of at least 0; got "inf"'),
    ("BurstGPT", burst(1_700_000_000_000, 1_700_000_700_000), {}, "stages[0].timeScale must play the trace within "
     "604800 s, or durationSeconds must cut it off, or timeUnit must be Milliseconds; it takes 700001 s"),
    ("Mooncake", mooncake(0), {"timeUnit": "Minutes"}, "stages[0].timeUnit must be one of Seconds, Milliseconds, "
     'Microseconds, Nanoseconds; got "Minutes"'),
    ("Mooncake", mooncake(0), {"timeUnit": "ms"}, 'Nanoseconds; got "ms"'),
])
def test_a_time_that_is_neither_is_refused_with_its_line(
    form: str, text: str, fields: dict[str, str], words: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        replay(text, form, **fields)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", [
    "timestamp;Request Tokens;response_tokens\n0;10;5\n2;10;5\n",
    "\ufeffTIMESTAMP\trequest tokens\tRESPONSE TOKENS\tx\r\n\r\n0\t10.0\t5\t\r\n2\t 10 \t5.00\t\r\n",
    'Request tokens,Response tokens,Note,"Timestamp",\n10,5,"a\nb, ""c""",0,\n10,5,' + "x" * 200_000 + ",2\n",
    "Timestamp,Model,Request tokens,Response tokens,Model\n0,a,10,5,b\n2,a,10,5,b\n",
])
def test_a_table_that_another_program_wrote_is_read_by_its_columns(text: str) -> None:
    profile = replay(text, "BurstGPT")
    assert instants(profile) == [0.0, 2.0]
    trace = profile.stages[0].recorded
    assert trace is not None
    assert [(trace.size(number).prompt_tokens, trace.size(number).output_tokens) for number in (0, 1)] == [(10, 5)] * 2


def test_a_column_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ProfileError, match="the header must name the column Timestamp once"):
        replay("Timestamp,timestamp,Request tokens,Response tokens\n0,0,10,5\n", "BurstGPT")


def test_fields_that_are_not_used_may_hold_anything_and_ids_may_be_longer_than_a_machine_word() -> None:
    more = '"hash_ids": [18446744073709551616, 18446744073709551617], "meta": {"a": [null, 1e999]}, "score": NaN'
    text = f'{{"timestamp": 0, "input_length": 900, "output_length": 5.0, {more}}}'
    trace = replay(text, "Mooncake").stages[0].recorded
    assert trace is not None
    assert trace.size(0).blocks == (2**64, 2**64 + 1)
