"""Secrets are struck out of whatever a test's free-form Pod template holds, and nothing in it makes that fail."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elastometer.model.bundle_files import STRUCK
from elastometer.world.redaction import spec_without_secrets, text_without_secrets

NODE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "x"]), inner),
    max_leaves=6,
)


def kept(**container: Any) -> Any:
    template = {"spec": {"containers": [{"name": "server", **container}]}}
    spec = spec_without_secrets({"target": {"server": {"podTemplate": template}}})
    return spec["target"]["server"]["podTemplate"]["spec"]["containers"][0]


@given(env=NODE, args=NODE, command=NODE)
def test_nothing_in_a_container_makes_redaction_fail(env: Any, args: Any, command: Any) -> None:
    kept(env=env, args=args, command=command)


@pytest.mark.parametrize("env", [{"HF_TOKEN": "hf_x"}, "HF_TOKEN=hf_x", ["HF_TOKEN=hf_x"]])
def test_what_does_not_look_like_variables_is_redacted_whole(env: Any) -> None:
    assert "hf_x" not in str(kept(env=env))


def test_values_of_secret_looking_variables_are_redacted_and_others_stay() -> None:
    env = [{"name": "HF_TOKEN", "value": "hf_x"}, {"name": "LEVEL", "value": "info"}]
    assert [one["value"] for one in kept(env=env)["env"]] == [STRUCK, "info"]


def test_a_pace_per_token_is_not_a_secret_and_a_token_is() -> None:
    args = ["--standin-decode-ms-per-token=40", "--standin-cpu-ms-per-token", "2", "--hf-token=hf_x", "--token", "abc"]
    assert kept(args=args)["args"] == [*args[:3], f"--hf-token={STRUCK}", "--token", STRUCK]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("bad argument --served-hf-token sesame", f"bad argument --served-hf-token {STRUCK}"),
        ("MY_OWN-token-of-token = 'sesame', and more", f"MY_OWN-token-of-token = '{STRUCK}', and more"),
        ("passwords=sesame;x", f"passwords={STRUCK};x"),
        ('bad {"name":"HF_TOKEN","value":"sesame"}', f'bad {{"name":"HF_TOKEN","value":"{STRUCK}"}}'),
        (r'{\"name\": \"HF_TOKEN\", \"value\": \"sesame\"}',
         rf'{{\"name\": \"HF_TOKEN\", \"value\": \"{STRUCK}\"}}'),
        ('core.EnvVar{Name:"MY_API_KEY", Value:"sesame", x}', f'core.EnvVar{{Name:"MY_API_KEY", Value:"{STRUCK}", x}}'),
        ('{"name":"LEVEL","value":"info"}', '{"name":"LEVEL","value":"info"}'),
        ("tokens are 5 and --max-num-batched-tokens=5", "tokens are 5 and --max-num-batched-tokens=5"),
    ],
)
def test_a_message_loses_the_values_that_look_like_secrets_and_nothing_else(text: str, left: str) -> None:
    assert text_without_secrets(text) == left


@pytest.mark.parametrize(
    "part", ["a-", "-", "passw", "--a", "a", "token ", "://", "Bearer ", "--password ", 'name:"', 'name:"token']
)
def test_a_long_message_is_redacted_in_the_time_of_one_turn(part: str) -> None:
    began = time.process_time()
    text_without_secrets(part * (100_000 // len(part)))
    assert time.process_time() - began < 2
