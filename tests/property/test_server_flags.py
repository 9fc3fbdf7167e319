"""Any mix of spellings of the same flags is the same server: for the operator, the prediction and the stand-in."""
from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.model.server_flags import SHUTDOWN_TIMEOUT, ServerFlags, server_flags
from elastometer.twin.forecast.standin_pace import standin_capacity, standin_startup_seconds
from elastometer_serverflags.flag import Takes
from elastometer_serverflags.reader import read
from elastometer_serverflags.standin import standin_flags
from elastometer_serverflags.table import vllm_flags
from elastometer_standin.cli import parse

# name -> value, and other texts that mean the same value.
FLAGS = {
    "max-num-seqs": ("4", "04", " 4", "+4"), "max-model-len": ("4096", "4K", "4.096k"),
    "shutdown-timeout": ("20", "2e1"), "max-num-batched-tokens": ("2000", "2k", "2.0k"),
    "standin-decode-ms-per-token": ("40", "40.0", "4e1"),
    "standin-startup": ("weights=6,compile=3", "compile=3, weights=6"), "block-size": ("16", "1_6"),
}
SWITCHES = {"enforce-eager": ("--enforce-eager", "--enforce_eager", "--enforce-eag")}


@st.composite
def spelled(draw: st.DrawFn) -> list[str]:
    """The flags above in any order, each in one of its forms; earlier values of a flag do not count."""
    args: list[str] = []
    for name in draw(st.permutations([*FLAGS, *SWITCHES])):
        if name in SWITCHES:
            args += [*draw(st.sampled_from(([], ["--no-enforce-eager"]))), draw(st.sampled_from(SWITCHES[name]))]
            continue
        written = "--" + "".join(draw(st.sampled_from("-_")) if char == "-" else char for char in name)
        value = draw(st.sampled_from(FLAGS[name]))
        args += draw(st.sampled_from(([], [f"--{name}=1"] if name not in ("standin-startup",) else [])))
        args += draw(st.sampled_from(([f"{written}={value}"], [written, value])))
    return args


def flags(args: list[str]) -> ServerFlags:
    """The flags of a stand-in with these arguments."""
    target: dict[str, Any] = {"model": {"name": "m"}, "server": {"image": "elastometer/standin:0.1.0", "args": args}}
    return server_flags(target)


PLAIN = [*(f"--{name}={values[0]}" for name, values in FLAGS.items()), "--enforce-eager"]


@given(spelled())
@settings(max_examples=150, deadline=None)
def test_any_mix_of_spellings_is_the_same_server(args: list[str]) -> None:
    one, two = flags(args), flags(PLAIN)
    assert list(one.flaws(8000)) == []
    assert standin_capacity(one, 40.0) == standin_capacity(two, 40.0)
    assert standin_startup_seconds(one) == standin_startup_seconds(two)
    assert one.number(SHUTDOWN_TIMEOUT) == two.number(SHUTDOWN_TIMEOUT) == 20
    environment = {"POD_NAME": "p"}
    assert parse(["m", *args], environment) == parse(["m", *PLAIN], environment)


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from(
    ["--", "-", "-O", "--max-num-seqs", "--max-num-seqs=", "--served-model-name", "-cc.mode", "--hf-token", "--=", "-=",
     "--.", "--_", "-0.5", "--config", "--no-", "-O="]))))
@settings(max_examples=300, deadline=None)
def test_no_argument_makes_the_reader_fail_or_lose_one(args: list[str]) -> None:
    for table in (vllm_flags(), standin_flags()):
        reading = read(args, table)
        assert all(0 <= fault.place < len(args) for fault in reading.faults)
        assert all(not given.values for given in reading.given if given.flag.takes is Takes.NOTHING
                   and not any(fault.place == given.place for fault in reading.faults))
    target = {"model": {"name": "m"}, "server": {"image": "vllm/vllm-openai:v0.33.0", "args": args,
                                                 "command": ["sh", "-c", " ".join(["vllm serve", *args])]}}
    list(server_flags(target).flaws(8000))
