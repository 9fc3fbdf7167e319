"""The flags of a replica's server, from everything in the test that decides them."""

from __future__ import annotations

from typing import Any

import pytest

from elastometer.model.bundle_files import STRUCK
from elastometer.model.server_flags import MAX_NUM_SEQS, PORT, SHUTDOWN_TIMEOUT, ServerFlags, server_flags

VLLM = "vllm/vllm-openai:v0.33.0"


def flags(*args: str, image: str = VLLM, container: dict[str, Any] | None = None, **server: Any) -> ServerFlags:
    """The flags of a server with these arguments, and with this overlay of its container."""
    overlay = {} if container is None else {"spec": {"containers": [{"name": "web"}, {"name": "server", **container}]}}
    return server_flags({"model": {"name": "m"}, "server": {
        "image": image, "args": list(args), "podTemplate": overlay, **server}})


@pytest.mark.parametrize("one", [
    flags("--max-num-seqs=4", "--shutdown-timeout=20"), flags("--max_num_seqs=4", "--shutdown_timeout=20"),
    flags("--max-num-seqs", "4", "--shutdown-timeout", "20"),
    flags("--max_num_seqs=8", "--max-num-seq=4", "--shut", "20"),
    flags(command=["vllm", "serve", "--max-num-seqs", "4", "--shutdown-timeout=20"]),
    flags(command=["sh", "-c", "exec vllm serve m --port=8000 --max_num_seqs=4 --shutdown_timeout=20"]),
    flags("--max-num-seqs=9", container={"args": ["m", "--max_num_seqs=4", "--shutdown-timeout=20"]}),
    flags(container={"command": ["vllm", "serve"], "args": ["m", "--max_num_seqs=4", "--shutdown-timeout=20"]}),
    flags("--max-num-seqs=$(SLOTS)", "--shutdown-timeout=20", container={"env": [{"name": "SLOTS", "value": "4"}]}),
    flags("--max-num-seqs=$(B)", "--shutdown-timeout=20", container={
        "env": [{"name": "A", "value": "4"}, {"name": "B", "value": "$(A)"}]}),
])
def test_the_container_as_it_will_run_decides_whatever_the_spelling(one: ServerFlags) -> None:
    assert (one.whole(MAX_NUM_SEQS), one.number(SHUTDOWN_TIMEOUT)) == (4, 20)
    assert list(one.flaws(8000)) == []


@pytest.mark.parametrize(("one", "why"), [
    (flags(command=["sh", "/start.sh"]), "spec.target.server.command[0]: runs a script, which cannot be read"),
    (flags("--config=/f.yaml"), "spec.target.server.args[0]: names a file of further flags, which cannot be read"),
    (flags("--max-num-seqs=$(N)", container={"env": [{"name": "N", "valueFrom": {"fieldRef": {}}}]}),
     "spec.target.server.args[0]: --max-num-seqs has a variable whose value is not known"),
    (flags("--max-num-seqs=$(N)", container={"envFrom": [{"configMapRef": {"name": "c"}}]}),
     "spec.target.server.args[0]: --max-num-seqs has a variable whose value is not known"),
    (flags(container={"command": ["bash", "-c", "vllm serve m $MORE"], "envFrom": [{"secretRef": {"name": "s"}}]}),
     "spec.target.server.podTemplate.spec.containers[1].command[2]: has a variable whose value is not known, and may "
     "add flags"),
])
def test_what_only_the_container_knows_is_not_taken_for_the_default(one: ServerFlags, why: str) -> None:
    assert one.whole(MAX_NUM_SEQS) is None
    assert one.unknown(MAX_NUM_SEQS) == why
    assert list(one.flaws(8000)) == []


def test_what_was_struck_out_of_a_recorded_test_is_not_known() -> None:
    env = {"env": [{"name": "SLOTS_TOKEN", "value": STRUCK}]}
    args = (f"--standin-decode-ms-per-token={STRUCK}", "--max-num-seqs=$(SLOTS_TOKEN)")
    one = flags(*args, image="standin:1", container=env)
    assert one.number("--standin-decode-ms-per-token") is None
    assert one.whole(MAX_NUM_SEQS) is None
    assert list(one.flaws(8000)) == []


def test_slots_are_those_of_one_replica() -> None:
    assert flags("--max-num-seqs=8", "--max_num_active_seqs=4").slots == 4
    assert flags("--max-num-seqs=8", "--max-num-active-seqs=4", image="standin:1").slots == 8
    assert flags("--max-num-seqs=8", "-dp=1").slots == 8
    shared = flags("--max-num-seqs=8", "-dp", "2")
    assert shared.slots is None
    assert shared.unknown_slots == "spec.target.server.args[1]: 2 engines share the requests of a replica"
    assert flags().slots is None


def test_a_flag_that_is_absent_among_readable_ones_has_its_default() -> None:
    assert flags("--seed=1").unknown(MAX_NUM_SEQS) is None


@pytest.mark.parametrize(("args", "flaw"), [
    (["--max-num-seqs=four"], "spec.target.server.args[0]: --max-num-seqs must be a whole number, is 'four'"),
    (["--max_num_seqs=1k"], "spec.target.server.args[0]: --max-num-seqs must be a whole number, is '1k'"),
    (["--seed=1", "--max-num-seqs"], "spec.target.server.args[1]: --max-num-seqs must have a value"),
    (["--max-num-seqs=0"], "spec.target.server.args[0]: --max-num-seqs must be at least 1, is 0"),
    (["--shutdown-timeout=20s"], "spec.target.server.args[0]: --shutdown-timeout must be a whole number, is '20s'"),
    (["--shutdown_timeout", "-1"], "spec.target.server.args[0]: --shutdown-timeout must be at least 0, is -1"),
    (["--port", "9000"], "spec.target.server.args[0]: --port must be spec.target.server.port (8000), "
                         "to which the load and the probes go, is 9000"),
])
def test_a_value_that_every_release_refuses_is_refused_whatever_the_image(args: list[str], flaw: str) -> None:
    for image in (VLLM, "vllm/vllm-openai:v0.22.0", "vllm/vllm-openai:latest", "registry/own:1"):
        assert list(flags(*args, image=image).flaws(8000)) == [flaw]


def test_a_misspelt_flag_is_refused_where_the_release_and_so_its_flags_are_known() -> None:
    said = ["spec.target.server.args[0]: --max-num-sqes must be a flag of the server; did you mean --max-num-seqs?"]
    for image in (VLLM, "host:5000/mirror/vllm-openai:v0.33.1-cu129@sha256:0", "elastometer/standin:0.1.0"):
        assert list(flags("--max-num-sqes=4", image=image).flaws(8000)) == said
    for image in ("vllm/vllm-openai:v0.22.0", "vllm/vllm-openai:nightly", "vllm/vllm-openai", "own/image:v0.33.0"):
        assert list(flags("--max-num-sqes=4", image=image).flaws(8000)) == []


@pytest.mark.parametrize(("one", "name"), [
    (flags(), "m"), (flags("--served_model_name", "a", "b"), "a"), (flags("--served-model-name=$(N)"), "$(N)"),
    (flags(container={"args": ["/models/m", "--port=8000"]}), "/models/m"),
    (flags(command=["python3", "-m", "vllm.entrypoints.openai.api_server", "--model=x"]), "x"),
    (flags(command=["/own.sh"], container={"args": ["whatever"]}), "m"),
])
def test_requests_use_the_name_under_which_the_model_is_served(one: ServerFlags, name: str) -> None:
    assert one.served_model == name


def test_the_stand_in_is_also_set_by_its_environment_and_arguments_override_it() -> None:
    env = {"env": [{"name": "STANDIN_DECODE_MS_PER_TOKEN", "value": "40"}, {"name": "STANDIN_PORT", "value": "tcp://x"}]}
    assert flags(image="standin:1", container=env).number("--standin-decode-ms-per-token") == 40
    own = flags("--decode_ms_per_token=50", image="standin:1", container=env)
    assert own.number("--standin-decode-ms-per-token") == 50
    wrong = flags(image="standin:1", container={"env": [{"name": "STANDIN_DECODE_MS_PER_TOKEN", "value": "fast"}]})
    assert list(wrong.flaws(8000)) == [
        "spec.target.server.podTemplate.spec.containers[1].env (STANDIN_DECODE_MS_PER_TOKEN): "
        "--standin-decode-ms-per-token must be a number, is 'fast'"]


@pytest.mark.parametrize(("one", "answer"), [
    (flags(image="registry/elastometer/standin:0.1.0"), True), (flags("--standin_startup=http=1", image="own:1"), True),
    (flags(command=["python3", "-m", "elastometer_standin"], image="own:1"), True), (flags(), False),
])
def test_the_stand_in_is_known_by_its_image_its_program_or_its_flags(one: ServerFlags, answer: bool) -> None:
    assert one.is_standin is answer


def test_the_port_of_the_test_is_the_one_that_the_operator_passes() -> None:
    assert flags(port=9000).whole(PORT) == 9000
    assert list(flags(port=9000).flaws(9000)) == []


@pytest.mark.parametrize("target", [{}, {"server": {"args": "x", "podTemplate": 3}}, {"server": {"podTemplate": {
    "spec": {"containers": [{"name": "server", "args": None, "env": [{}, 1]}]}}}}, {"server": {"image": "standin:1",
    "podTemplate": {"spec": {"containers": [{"name": "server", "args": [1, None], "command": [2]}]}}}}])
def test_a_document_of_another_shape_has_no_flags(target: dict[str, Any]) -> None:
    assert server_flags(target).whole(MAX_NUM_SEQS) is None
    assert list(server_flags(target).flaws(8000)) == []
