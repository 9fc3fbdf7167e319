"""vLLM's arguments as vLLM takes them, and ours beside them."""

import pytest

from elastometer_standin.cli import CliError, parse
from elastometer_standin.faults import Fault
from elastometer_standin.flags import FAULTS
from elastometer_standin.settings import DEFAULT_STARTUP, Settings, ShutdownMode


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
        (["--no-such-flag"], "--no-such-flag"),
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
