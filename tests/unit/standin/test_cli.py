"""vLLM's arguments as vLLM takes them, and ours beside them."""

import pytest

from elastometer_serverflags.flag import Flag, Reads, Takes
from elastometer_serverflags.standin import FAULTS as FAULT_NAMES
from elastometer_serverflags.standin import standin_flags
from elastometer_serverflags.table import vllm_flags
from elastometer_standin.cli import CliError, _parser, parse
from elastometer_standin.flags import FAULTS
from elastometer_standin.settings import DEFAULT_STARTUP, Settings, ShutdownMode
from elastometer_standin.troubles.faults import Fault


def test_no_argument_at_all_is_a_server_like_vllms() -> None:
    settings = parse([], {"POD_NAME": "p"})
    assert settings.pod_name == "p"
    assert settings.port == 8000
    assert settings.pace == Settings().pace


def test_the_model_is_positional_or_named_and_served_under_its_first_name() -> None:
    assert parse(["serve", "a/b"], {}).model_name == "a/b"
    assert parse(["--model", "a/b"], {}).model_name == "a/b"
    named = parse(["a/b", "--served-model-name", "x", "y"], {})
    assert (named.model_name, named.names) == ("x", ("x", "y"))


def test_known_vllm_flags_without_meaning_here_are_accepted_and_remembered() -> None:
    settings = parse(["m", "--dtype", "half", "--trust-remote-code", "--gpu-memory-utilization=0.8"], {})
    assert set(settings.ignored_flags) == {"--dtype", "--trust-remote-code", "--gpu-memory-utilization"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-such-flag"], "--no-such-flag must be a flag of the server"),
        (["--max-num-sequences", "4"], "--max-num-sequences must be a flag of the server; did you mean"),
        (["--max-num", "4"], "--max-num must be the prefix of exactly one flag, is that of"),
        (["--max_num_seqs=four"], "--max-num-seqs must be a whole number, is 'four'"),
        (["--max-num-seqs=1k"], "--max-num-seqs must be a whole number, is '1k'"),
        (["--port"], "--port must have a value"),
        (["--enforce-eager=true"], "--enforce-eager must not have a value, has 'true'"),
        (["--dtype=halve"], "--dtype must be one of auto, bfloat16"),
        (["m", "n"], "'n' must be the value of a flag"),
        (["--config", "flags.yaml"], "--config is not read by the stand-in"),
        (["--max-num-seqs", "0"], "--max-num-seqs must be at least 1"),
        (["--standin-error-rate", "1.5"], "'error' must be a number from 0 to 1, got 1.5"),
        (["--max-model-len", "32k", "--num-gpu-blocks-override", "10"], "at most the KV cache's 160 tokens"),
        (["--standin-startup", "wieghts=3"], "phase 'wieghts' is unknown"),
        (["--standin-startup", "weights=-1"], "weights must be"),
        (["--prefill-tokens-per-second", "0"], "must be greater than 0"),
        (["--standin-decode-ms-per-token", "nan"], "must be at least 0"),
    ],
)
def test_a_wrong_argument_is_refused_with_its_name_and_rule(arguments: list[str], words: str) -> None:
    with pytest.raises(CliError, match=words.replace("(", r"\(")):
        parse(arguments, {})


VALUES = {Reads.TEXT: "a", Reads.INTEGER: "8", Reads.HUMAN: "4k", Reads.LENGTH: "4k", Reads.NUMBER: "1",
          Reads.JSON: "{}"}
# They end the program, or need a file.
OTHERWISE = ("--help", "--config")


def arguments_of(flag: Flag, name: str) -> list[str]:
    """The flag under one of its names, with as many values as it takes."""
    value = flag.choices[0] if flag.choices else VALUES[flag.reads]
    return [name, *{Takes.NOTHING: [], Takes.MANY: [value, value]}.get(flag.takes, [value])]


def test_every_flag_that_vllm_has_is_accepted_under_each_of_its_names_and_with_underscores() -> None:
    flags = [flag for flag in vllm_flags() if flag.name not in OTHERWISE]
    assert len(flags) > 300
    # Here the context and the step must fit the cache and the batch.
    room = ["--num-gpu-blocks-override=4096", "--max-num-batched-tokens=4096"]
    for flag in flags:
        for name in flag.names:
            parse([*room, *arguments_of(flag, name)], {})
            parse([*room, *arguments_of(flag, name[:2] + name[2:].replace("-", "_"))], {})


def test_what_has_no_effect_is_remembered_under_its_own_name() -> None:
    given = ["m", "-tp", "2", "--disable_log_requests", "-cc.mode=3", "-O3", "--trust-remote"]
    assert parse(given, {}).ignored_flags == (
        "--tensor-parallel-size", "--enable-log-requests", "--optimization-level", "--trust-remote-code",
        "-cc.mode")


@pytest.mark.parametrize("arguments", [
    ["--max-num-seqs=4", "--max-model-len=4096", "--shutdown-timeout=20", "--standin-decode-ms-per-token=40"],
    ["--max_num_seqs=4", "--max_model_len=4096", "--shutdown_timeout=20", "--standin_decode_ms_per_token=40"],
    ["--max-num-seqs", "4", "--max-model-len", "4K", "--shutdown-timeout", "20", "--decode_ms_per_token", "40"],
    ["--max_num_seqs", " 4", "--max-model-len", "4.096k", "--shutdown_t=2e1", "--standin-decode-ms", "40"],
    ["--max-num-seqs=9", "--max_num_seqs=4", "--max-model-l=4096", "--shutdown-timeout=20", "--decode-ms-per-token=40"],
])
def test_every_spelling_that_vllm_takes_means_the_same(arguments: list[str]) -> None:
    settings = parse(["m", *arguments], {})
    assert (settings.limits.max_num_seqs, settings.limits.max_model_len) == (4, 4096)
    assert (settings.shutdown_timeout_seconds, settings.pace.decode_ms_per_token) == (20, 40)


def test_a_value_that_asks_for_the_default_is_the_default() -> None:
    settings = parse(["--max-model-len=auto", "--num-gpu-blocks-override=None", "--max-num-queued-reqs", ""], {})
    assert settings.limits == Settings().limits


def test_an_enabled_flag_can_be_disabled_again() -> None:
    assert parse(["--enforce-eager", "--no-enforce-eager"], {}).enforce_eager is False
    assert parse(["--enable-server-load-tracking"], {}).track_load
    assert not parse(["--enable-server-load-tracking", "--disable-server-load-tracking"], {}).track_load


def test_several_keys_may_be_given() -> None:
    assert parse(["--api-key", "k", "l", "--port=8001"], {}).api_keys == ("k", "l")


def test_the_shared_list_of_flags_is_the_one_that_this_parser_has() -> None:
    ours = {name for flag in standin_flags() for name in (flag.name, *flag.also)}
    assert _parser().known <= ours
    assert set(FAULT_NAMES) == {fault.value for fault in Fault}


def test_our_settings_also_come_from_the_environment_and_an_argument_overrides_it() -> None:
    environment = {"STANDIN_DECODE_MS_PER_TOKEN": "7", "STANDIN_SHUTDOWN": "hang", "STANDIN_ACCESS_LOG": "0"}
    settings = parse([], environment)
    assert settings.pace.decode_ms_per_token == 7
    assert settings.shutdown_mode is ShutdownMode.HANG
    assert not settings.access_log
    assert parse(["--standin-decode-ms-per-token", "9"], environment).pace.decode_ms_per_token == 9


def test_help_says_what_every_fault_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(FAULTS) == set(Fault)
    with pytest.raises(SystemExit) as caught:
        parse(["--help"], {})
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(f"--standin-{fault.value}-rate SHARE" in said for fault in Fault)
    assert "the finish reason abort" in said


def test_what_kubernetes_injects_for_a_service_called_standin_is_not_ours() -> None:
    environment = {"STANDIN_SERVICE_HOST": "10.0.0.1", "STANDIN_PORT": "tcp://10.0.0.1:80"}
    assert parse([], environment).port == 8000


def test_a_start_up_phase_replaces_its_default_and_leaves_the_others() -> None:
    seconds = parse(["--standin-startup", "weights=9, http=0"], {}).startup.seconds
    assert (seconds["weights"], seconds["http"]) == (9.0, 0.0)
    assert seconds["compile"] == DEFAULT_STARTUP["compile"]


def test_a_context_longer_than_the_default_cache_shrinks_to_the_cache() -> None:
    assert parse(["--num-gpu-blocks-override", "64"], {}).limits.max_model_len == 1024
