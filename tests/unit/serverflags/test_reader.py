"""The reader of a server's arguments against what vLLM's own parser made of the same command lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elastometer_serverflags.flag import Reads, Takes
from elastometer_serverflags.reader import Given, Reading, read
from elastometer_serverflags.table import RELEASE, vllm_flags

PARSES = [json.loads(line) for line in (Path(__file__).parent / "vllm-parses.jsonl").read_text().splitlines()]


def reading_of(*args: str) -> Reading:
    """The arguments, read with vLLM's flags."""
    return read(args, vllm_flags())


def value_of(reading: Reading, given: Given) -> object:
    """The value in the form in which argparse stores it."""
    if given.flag.takes is Takes.NOTHING:
        return given.is_on
    return list(given.values) if given.flag.takes is Takes.MANY else reading.value(given.flag.name)


def test_the_cases_are_of_both_kinds() -> None:
    assert sum("values" in case for case in PARSES) > 200
    assert sum("error" in case for case in PARSES) > 200


@pytest.mark.parametrize("case", PARSES, ids=lambda case: " ".join(case["args"][1:]))
def test_a_command_line_is_read_or_refused_as_vllm_does(case: dict[str, Any]) -> None:
    reading = reading_of(*case["args"])
    assert bool(reading.faults) is ("error" in case), reading.faults
    for name, value in case.get("values", {}).items():
        given = reading.last("--" + name.replace("_", "-"))
        assert given is not None
        assert value_of(reading, given) == value


def test_the_table_has_every_flag_with_its_kind() -> None:
    flags = {flag.name: flag for flag in vllm_flags()}
    assert RELEASE == (0, 33)
    assert len(flags) == 321
    assert flags["--max-num-seqs"].reads is Reads.INTEGER
    assert flags["--max-model-len"].reads is Reads.LENGTH
    assert flags["--served-model-name"].takes is Takes.MANY
    assert flags["--tensor-parallel-size"].also == ("-tp",)
    assert flags["--enable-prefix-caching"].off == ("--no-enable-prefix-caching", "--disable-prefix-caching")


@pytest.mark.parametrize(("args", "place", "text"), [
    (("m", "--max_num_seqs=four"), 1, "--max-num-seqs must be a whole number, is 'four'"),
    (("m", "--port=8000", "--max-num-seqs"), 2, "--max-num-seqs must have a value"),
    (("m", "--max-num-seqs", "--port", "8000"), 1, "--max-num-seqs must have a value"),
    (("m", "--max-model-len=1.5K"), 1, "--max-model-len must be a whole number before K, a power of 1024 "
                                       "(a fraction needs k), is '1.5K'"),
    (("m", "--max-model-len=32 k"), 1, "--max-model-len must be a whole number, or one with a unit such as 4k (4000) "
                                       "or 4K (4096), is '32 k'"),
    (("m", "--max-num-sqes=4"), 1, "--max-num-sqes must be a flag of the server; did you mean --max-num-seqs?"),
    (("m", "--max-num-s", "4"), 1, "--max-num-s must be the prefix of exactly one flag, is that of "
                                   "--max-num-scheduled-tokens, --max-num-seqs"),
    (("m", "--trust-remote-code=true"), 1, "--trust-remote-code must not have a value, has 'true'"),
    (("m", "--max_num_seqs 4"), 1, "--max-num-seqs must be a separate argument, or --max-num-seqs=4, is "
                                   "'--max-num-seqs 4'"),
    (("m", "--Max-Num-Seqs=4"), 1, "--Max-Num-Seqs must be a flag of the server; did you mean --max-num-seqs?"),
    (("m", "-cc.mode"), 1, "-cc.mode must have a value"),
])
def test_a_fault_names_its_place_the_flag_the_rule_and_the_value(args: tuple[str, ...], place: int, text: str) -> None:
    fault, = reading_of(*args).faults
    assert (fault.place, fault.text) == (place, text)


def test_reading_goes_on_after_a_flag_that_is_not_known() -> None:
    reading = reading_of("m", "--swap-space", "4", "--max-num-seqs=8", "--task=generate")
    assert reading.value("--max-num-seqs") == 8
    assert [fault.is_unknown for fault in reading.faults] == [True, True]
    assert reading.others == ("--swap-space=4", "--task=generate")
    assert reading.positionals == ("m",)


def test_arguments_are_the_same_in_one_spelling() -> None:
    one = reading_of("m", "--max_num_seqs", "4", "-tp", "2", "--served-model-name", "a", "b", "--disable-log-requests")
    two = reading_of("m", "--no-enable-log-requests", "--served_model_name", "a", "b", "--tensor-parallel-size=2",
                     "--max-num-seqs=9", "--max-num-seq=4")
    assert one.evened() == two.evened() == (
        "--max-num-seqs=4", "--served-model-name=a b", "--tensor-parallel-size=2", "not --enable-log-requests")
