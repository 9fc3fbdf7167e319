"""What a plan states about its load and its server, before anything runs."""
from collections import Counter

import pytest

from elastometer.model.errors import SpecError
from elastometer.model.server_flags import ServerFlags, server_flags
from elastometer.twin.forecast.arrivals import planned_arrivals
from elastometer.twin.forecast.standin_pace import not_predicted, standin_capacity, standin_startup_seconds
from elastometer_loadgen.profile.profile import parse_profile
from elastometer_standin.settings import DEFAULT_STARTUP, EngineLimits, Pace
from elastometer_standin.tokens import count_chat_tokens

POEM = {"name": "poem", "messages": [{"role": "user", "content": "Write a short poem about {{ theme }}."}],
        "dataset": {"inline": [{"theme": "autumn"}]}, "maximumTokens": {"minimum": 30, "maximum": 32}}
STAGES = [{"name": "calm", "type": "Rate", "durationSeconds": 30, "endRequestsPerSecond": "2", "arrivals": "Constant"},
          {"name": "busy", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "4", "startRequestsPerSecond":
           "4", "arrivals": "Constant"}]


def flags(*args: str, image: str = "standin:1") -> ServerFlags:
    """The flags of a server with these arguments."""
    return server_flags({"model": {"name": "m"}, "server": {"image": image, "args": list(args)}})


def test_arrivals_are_those_of_the_generator_with_the_tokens_that_it_would_request():
    arrivals = planned_arrivals(parse_profile({"seed": 7, "tasks": [POEM], "stages": STAGES}))
    assert Counter(arrival.stage for arrival in arrivals) == {0: 60, 1: 40}
    assert {arrival.output_tokens for arrival in arrivals} == {30, 31, 32}
    assert arrivals[0].at == pytest.approx(0.25)


def test_prompt_tokens_are_estimated_as_the_stand_in_counts_them():
    arrivals = planned_arrivals(parse_profile({"tasks": [POEM], "stages": STAGES}))
    counted = count_chat_tokens([("user", "Write a short poem about autumn.")])
    assert {arrival.prompt_tokens for arrival in arrivals} == {counted}


def test_a_stand_in_without_arguments_has_the_pace_of_its_own_defaults():
    pace, limits = Pace(), EngineLimits()
    capacity = standin_capacity(flags(), 100)
    assert capacity.slots == limits.max_num_seqs
    assert capacity.decode_seconds == pace.decode_seconds(1)
    assert capacity.prefill_seconds + 200 * capacity.prefill_seconds_per_token == pytest.approx(
        pace.prefill_seconds(200, begins=True), abs=0.005)
    assert capacity.kv_tokens == limits.num_gpu_blocks * limits.block_size


def test_a_phase_of_the_startup_that_is_not_named_keeps_its_default():
    assert standin_startup_seconds(flags()) == pytest.approx(sum(DEFAULT_STARTUP.values()))
    assert standin_startup_seconds(flags("--standin-startup=weights=30")) == pytest.approx(
        sum(DEFAULT_STARTUP.values()) + 30 - DEFAULT_STARTUP["weights"])


def test_eager_execution_neither_compiles_nor_captures_graphs_as_in_the_stand_in():
    left = sum(DEFAULT_STARTUP.values()) - DEFAULT_STARTUP["compile"] - DEFAULT_STARTUP["graphs"]
    assert standin_startup_seconds(flags("--enforce_eager")) == pytest.approx(left)
    assert standin_startup_seconds(flags("--no-enforce-eager")) == pytest.approx(sum(DEFAULT_STARTUP.values()))


def test_a_phase_that_the_stand_in_does_not_know_is_refused_with_its_place():
    with pytest.raises(SpecError, match=r"spec\.target\.server\.args\[0\]: each phase .* one is 'wieghts'"):
        standin_startup_seconds(flags("--standin-startup=wieghts=3"))


def test_what_the_stand_in_is_asked_to_do_and_the_prediction_leaves_out_is_named():
    asked = flags("--standin-error-rate=0.1", "--standin_startup_jitter", "0.2", "--standin-log-prefix")
    assert not_predicted(asked) == (
        "the effect of --standin-error-rate, --standin-startup-jitter on the stand-in is not modelled",)
    assert not_predicted(flags("--standin-decode-ms-per-token=40", "--max-num-seqs=4")) == ()
    assert not_predicted(flags("--standin-memory-base-mb=100", "--standin-label-words=a=b")) == ()
    assert not_predicted(flags("--standin-oom-rate=1", "--standin-oom-when=streams>=60")) == (
        "the effect of --standin-oom-rate, --standin-oom-when on the stand-in is not modelled",)


@pytest.mark.parametrize(("image", "args", "answer"), [
    ("registry/elastometer/standin:0.1.0", (), True), ("other", ("--standin-decode-ms-per-token=40",), True),
    ("vllm/vllm-openai:v0.33.0", ("--max-num-seqs=16",), False),
])
def test_a_stand_in_is_recognised_by_its_image_or_by_its_arguments(image: str, args: tuple[str, ...], answer: bool):
    assert flags(*args, image=image).is_standin is answer


@pytest.mark.parametrize("args", [("--standin-decode-ms-per-token", "-1"), ("--block_size=0",)])
def test_an_argument_that_is_not_above_zero_is_named_with_its_value(args: tuple[str, ...]):
    with pytest.raises(SpecError, match=args[0].partition("=")[0].replace("_", "-")):
        standin_capacity(flags(*args), 40)
