"""A bad profile is refused with the path, the rule and the value of everything that is wrong in it."""

import copy
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.profile.profile import ConnectionPolicy, ProfileError, parse_profile, read_profile
from elastometer_loadgen.stages.knee import KneeStage
from elastometer_loadgen.stages.stage import StageType
from elastometer_loadgen.stages.users import UsersStage

LOAD_PAGE = Path(__file__).parents[4] / "docs" / "load.md"
GOOD: dict[str, Any] = {
    "seed": 7,
    "endpoint": "ChatCompletions",
    "connection": {"policy": "Reuse"},
    "tasks": [
        {
            "name": "poem",
            "weight": 3,
            "messages": [{"role": "user", "content": "About {{ theme }}."}],
            "dataset": {"inline": [{"theme": "autumn"}, {"theme": "the sea"}]},
            "maximumTokens": {"minimum": 64, "maximum": 128},
            "sampling": {"temperature": {"minimum": "0.7", "maximum": "0.9"}, "topP": "0.95"},
        },
        {"name": "fact", "messages": [{"role": "user", "content": "Say one fact."}], "maximumTokens": 16},
    ],
    "stages": [
        {"name": "ramp", "type": "Rate", "durationSeconds": 100, "startRequestsPerSecond": "2",
         "endRequestsPerSecond": "50", "arrivals": "Constant"},
        {"name": "hold", "type": "Rate", "durationSeconds": 10, "endRequestsPerSecond": "50"},
    ],
}
ABSENT = object()

BAD: list[tuple[str, object, str]] = [
    ("seed", "7", 'seed must be an integer from 0 to 9223372036854775807; got "7"'),
    ("seed", True, "seed must be an integer"),
    ("seed", -1, "got -1"),
    ("workers", 0, "workers must be an integer from 1 to 1000; got 0"),
    ("endpoint", "Chat", "endpoint must be one of ChatCompletions, Completions"),
    ("model", "", 'model must be a string of 1 to 512 characters; got ""'),
    ("timeoutSeconds", 0, "timeoutSeconds must be an integer from 1 to 86400; got 0"),
    ("timeoutSeconds", 1.5, "got 1.5"),
    ("idleTimeoutSeconds", "x", "idleTimeoutSeconds must be"),
    ("latenessBoundMilliseconds", 0, "latenessBoundMilliseconds must be an integer from 1 to 60000"),
    ("stages.0", {"name": "a", "typ": "Rate"}, "stages[0].typ is not a known field; did you mean type?"),
    ("conection", {}, "conection is not a known field; did you mean connection?"),
    ("zzz", 1, "zzz is not a known field; known here: seed, workers"),
    ("connection", [], "connection must be a mapping; got []"),
    ("connection.policy", "Reused",
     "connection.policy must be one of Reuse, PerRequest, MaxAge, SpreadOverPods (did you mean Reuse?)"),
    ("connection.policy", "MaxAge", "connection.maxAgeSeconds must be given when policy is MaxAge; it is absent"),
    ("connection.maxAgeSeconds", 5, "connection.maxAgeSeconds must be absent unless policy is MaxAge; got 5"),
    ("tasks", [], "tasks must be a list of 1 to 256 items; got []"),
    ("tasks.0", "poem", 'tasks[0] must be a mapping; got "poem"'),
    ("tasks.0.name", "Poem!", 'tasks[0].name must be at most 63 of a-z, 0-9 and \'-\''),
    ("tasks.0.name", ABSENT, "tasks[0].name must be given; it is absent"),
    ("tasks.0.name", "fact", 'tasks[1].name must be unique in tasks; got "fact" again'),
    ("tasks.0.weight", 0, "tasks[0].weight must be an integer from 1 to 1000000; got 0"),
    ("tasks.0.messages", ABSENT, "tasks[0].messages must be given, or prompt or inputTokens instead"),
    ("tasks.0.prompt", "x", "but only one of them"),
    ("tasks.0.inputTokens", 5, "but only one of them"),
    ("tasks.1.inputTokens", {"minimum": 9, "maximum": 8}, "but only one of them"),
    ("tasks.0.groupBy", "color", "inline[0] must hold the field 'color' that tasks[0].groupBy uses"),
    ("tasks.1.groupBy", "theme", 'tasks[1].groupBy must come with a dataset that has this field; got "theme"'),
    ("tasks.0.ignoreEndOfText", "yes", 'tasks[0].ignoreEndOfText must be true or false; got "yes"'),
    ("tasks.0.sampling.seed", 7,
     "tasks[0].sampling.seed must be one of PerRequest; got 7"),
    ("tasks.0.sampling.frequencyPenalty", "2.5",
     'tasks[0].sampling.frequencyPenalty must be a decimal string from "-2" to "2"; got "2.5"'),
    ("tasks.0.sampling.presencePenalty", "--1", 'must be a decimal string from "-2" to "2"; got "--1"'),
    ("tasks.0.sampling.temperature", "-1", 'must be a decimal string from "0" to "2"; got "-1"'),
    ("tasks.0.messages.0.role", "robot", "tasks[0].messages[0].role must be one of system, user, assistant"),
    ("tasks.0.messages.0.role", ABSENT, "tasks[0].messages[0].role must be given"),
    ("tasks.0.messages.0.content", 5, "tasks[0].messages[0].content must be a string of 1 to 1000000 char"),
    ("tasks.0.messages.0.content", "{{ color }}",
     "tasks[0].dataset.inline[0] must hold the field 'color' that tasks[0].messages[0].content uses"),
    ("tasks.0.messages.0.content", "{{ theme", "must be a template with fields such as {{ theme }}"),
    ("tasks.0.messages.0.content", "{% for i in range(9) %}x{% endfor %}", "must hold only plain fields"),
    ("tasks.0.messages.0.content", "{{ theme * 1000000000 }}", "must hold only plain fields"),
    ("tasks.0.messages.0.content", "{{ theme.__class__ }}", "must hold only plain fields"),
    ("tasks.0.dataset", ABSENT, "must come with a dataset that has these fields: theme; dataset is absent"),
    ("tasks.0.dataset", {"flie": "x.csv"}, "tasks[0].dataset.flie is not a known field; did you mean file?"),
    ("tasks.0.dataset", {"file": "x.txt"}, 'tasks[0].dataset.file must end in .jsonl or .csv; got "x.txt"'),
    ("tasks.0.dataset", {"file": "x.csv", "inline": [{"theme": "a"}]},
     "tasks[0].dataset.inline must be given, or file instead, but not both"),
    ("tasks.0.dataset", {}, "tasks[0].dataset.inline must be given, or file instead, but not both"),
    ("tasks.0.dataset.inline.1", "x", "tasks[0].dataset.inline[1] must be a mapping of field to value"),
    ("tasks.0.dataset.inline.1", {"theme": ["a"]}, "tasks[0].dataset.inline[1].theme must be a string or a number"),
    ("tasks.0.maximumTokens", 0, "tasks[0].maximumTokens must be an integer from 1 to 1000000; got 0"),
    ("tasks.0.maximumTokens.maximum", 5, "tasks[0].maximumTokens.maximum must be at least the minimum, 64; got 5"),
    ("tasks.0.maximumTokens.minimum", ABSENT, "tasks[0].maximumTokens.minimum must be given"),
    ("tasks.0.sampling.temperature", 0.7, 'must be a decimal string from "0" to "2" (in quotes); got 0.7'),
    ("tasks.0.sampling.temperature", "2.5", 'tasks[0].sampling.temperature must be a decimal string from "0" to "2"'),
    ("tasks.0.sampling.top_p", "1", "tasks[0].sampling.top_p is not a known field; did you mean topP?"),
    ("tasks.0.responseFormat", "JSON", "tasks[0].responseFormat must be one of Text, JSONObject, JSONSchema"),
    ("tasks.0.responseFormat", "JSONSchema", "responseFormat must come with a check of type JSONSchema, whose schema"),
    ("tasks.0.dataset.inline.1.canary", "x",
     "inline[1].canary must have another name: this one is reserved for the request's"),
    ("fingerprints", {"lines": "Of"}, 'fingerprints.lines must be one of None, Sampled, All; got "Of"'),
    ("fingerprints", {"lines": False}, "fingerprints.lines must be one of None, Sampled, All; got false"),
    ("fingerprints", {"samplePercent": "101"}, 'samplePercent must be a decimal string from "0" to "100"; got "101"'),
    ("fingerprints", {"charactersShown": -1}, "charactersShown must be an integer from 0 to 100000; got -1"),
    ("fingerprints", {"line": "All"}, "fingerprints.line is not a known field; did you mean lines?"),
    ("stages", ABSENT, "stages must be given; it is absent"),
    ("stages", {}, "stages must be a list of 1 to 256 items; got {}"),
    ("stages.0", 5, "stages[0] must be a mapping; got 5"),
    ("stages.0.type", ABSENT, "stages[0].type must be given; it is absent"),
    ("stages.0.type", "Rat", f"stages[0].type must be one of {', '.join(StageType)} (did you"),
    ("stages.1.durationSeconds", "10", 'stages[1].durationSeconds must be an integer from 1 to 604800; got "10"'),
    ("stages.1.durationSeconds", ABSENT, "stages[1].durationSeconds must be given; it is absent"),
    ("stages.0.startRequestsPerSecond", "-1", 'stages[0].startRequestsPerSecond must be a decimal string from "0"'),
    ("stages.0.startRequestsPerSecond", "1e3", "startRequestsPerSecond must be a decimal string"),
    ("stages.0.endRequestsPerSecond", 50, 'must be a decimal string from "0" to "100000" (in quotes); got 50'),
    ("stages.0.endRequestsPerSecond", ABSENT, "stages[0].endRequestsPerSecond must be given"),
    ("stages.0.endRequestsPerSecond", ".5", "must be a decimal string"),
    ("stages.0.endRequestsPerSecond", "1" * 400, "…"),
    ("stages.0.arrivals", "Gama", 'stages[0].arrivals must be one of Constant, Poisson, Gamma (did you mean Gamma?)'),
    ("stages.0.arrivals", "Gamma", "stages[0].burstiness must be given when arrivals is Gamma; it is absent"),
    ("stages.0.burstiness", "0.5", 'stages[0].burstiness must be absent unless arrivals is Gamma; got "0.5"'),
    ("stages.0.users", 5, "stages[0].users is not a known field"),
    ("stages.1.name", "ramp", "stages[1].name must be unique in stages"),
]


def changed(path: str, value: object) -> dict[str, Any]:
    document = copy.deepcopy(GOOD)
    place: Any = document
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in way:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(("path", "value", "words"), BAD)
def test_a_bad_value_is_refused_by_path_rule_and_value(path: str, value: object, words: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profile(changed(path, value))
    assert any(words in str(fault) for fault in caught.value.faults), str(caught.value)
    assert len(caught.value.faults) <= 2
    assert all(len(str(fault)) < 400 for fault in caught.value.faults)


def test_the_good_profile_is_read_with_its_defaults() -> None:
    profile = parse_profile(GOOD)
    assert (profile.seed, profile.workers, profile.timeout_seconds, profile.idle_timeout_seconds) == (
        7,
        1,
        300,
        30,
    )
    assert profile.connection.policy is ConnectionPolicy.REUSE
    assert profile.stages[1].start_rate == Fraction(50)
    assert profile.stages[0].expected == Fraction(2600)
    assert [task.weight for task in profile.tasks] == [3, 1]


def test_a_first_stage_without_a_start_rate_starts_at_its_end_rate() -> None:
    profile = parse_profile({"stages": [GOOD["stages"][1]]})
    assert profile.stages[0].start_rate == Fraction(50)
    assert [task.name for task in profile.tasks] == ["default"]


def test_all_faults_are_reported_at_once() -> None:
    document = changed("stages.0.durationSeconds", -5)
    document["seed"] = "x"
    document["tasks"][0]["weight"] = "heavy"
    document["stages"][1]["arrivals"] = "Even"
    with pytest.raises(ProfileError) as caught:
        parse_profile(document)
    assert [fault.path for fault in caught.value.faults] == [
        "seed", "tasks[0].weight", "stages[0].durationSeconds", "stages[1].arrivals",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stages: [", "the profile must be YAML"),
        ("", "the profile must be a mapping; got null"),
        ("- 1", "the profile must be a mapping; got [1]"),
        ("stages: [{name: a, type: Rate, durationSeconds: 5, endRequestsPerSecond: '0', role: Quiet}]",
         "must plan at least one request"),
        ("stages: [{name: a, type: Rate, durationSeconds: 604800, endRequestsPerSecond: '99999'}]",
         "must plan at most 10000000 requests"),
    ],
)
def test_a_document_that_plans_nothing_sensible_is_refused(text: str, words: str) -> None:
    with pytest.raises(ProfileError, match=words.replace("[", r"\[")):
        read_profile(text)


def test_completions_take_a_prompt_and_no_messages() -> None:
    stages = GOOD["stages"]
    with pytest.raises(ProfileError, match="must be absent with endpoint Completions"):
        parse_profile(GOOD | {"endpoint": "Completions"})
    document = {
        "endpoint": "Completions",
        "tasks": [{"name": "t", "prompt": "One {{ '{{' }}"}],
        "stages": stages,
    }
    with pytest.raises(ProfileError, match="plain fields"):
        parse_profile(document)
    document["tasks"] = [{"name": "t", "prompt": "Once there was a fox"}]
    body = PromptSource(parse_profile(document), "m").prompt(0).body
    assert b'"prompt":"Once there was a fox"' in body
    assert b'"messages"' not in body


USERS = {"name": "s", "type": "Users", "durationSeconds": 10, "users": 5}
FIXED = {"name": "s", "type": "Concurrency", "durationSeconds": 10, "concurrency": 5}
KNEE = {"name": "s", "type": "Knee", "of": "Users", "start": 50, "step": 50, "stepSeconds": 120, "maximum": 500}
SWEEP = {"name": "s", "type": "Sweep", "inputTokens": [128, 512], "outputTokens": 512, "requestsEach": 5}
SUCCESS = {"indicator": "RequestSuccess", "minimumPercent": 99}
LATENCY = {"indicator": "RequestLatency", "maximumMilliseconds": 9}
BAD_STAGES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (USERS, {"users": 0}, "stages[0].users must be an integer from 1 to 10000; got 0"),
    (USERS, {"users": None}, "stages[0].users must be given; it is absent"),
    (USERS, {"users": 10_001}, "stages[0].users must be an integer from 1 to 10000; got 10001"),
    (USERS, {"durationSeconds": None}, "stages[0].durationSeconds must be given; it is absent"),
    (USERS, {"spawnPerSecond": "0"},
     'stages[0].spawnPerSecond must be a decimal string from "0.001" to "10000"; got "0"'),
    (USERS, {"spawnPerSecond": 10},
     'stages[0].spawnPerSecond must be a decimal string from "0.001" to "10000" (in quotes); got 10'),
    (USERS, {"thinkTimeSeconds": "-1"},
     'stages[0].thinkTimeSeconds must be a decimal string from "0" to "86400"; got "-1"'),
    (USERS, {"thinkTimeSeconds": {"minimum": "3", "maximum": "1"}},
     'stages[0].thinkTimeSeconds.maximum must be at least the minimum, "3"; got "1"'),
    (USERS, {"thinkTimeSeconds": {"minimum": "3"}}, "stages[0].thinkTimeSeconds.maximum must be given; it is absent"),
    (USERS, {"maximumRequests": 0}, "stages[0].maximumRequests must be an integer from 1 to 10000000; got 0"),
    (USERS, {"endRequestsPerSecond": "1"},
     "stages[0].endRequestsPerSecond is not a known field; known here: name, type, role, durationSeconds, users, "
     "spawnPerSecond, thinkTimeSeconds, maximumRequests, warmupSeconds, tasks"),
    (FIXED, {"concurrency": "5"}, 'stages[0].concurrency must be an integer from 1 to 10000; got "5"'),
    (FIXED, {"requests": 5}, "stages[0].durationSeconds must be given, or requests instead, but not both"),
    (FIXED, {"durationSeconds": None},
     "stages[0].durationSeconds must be given, or requests instead, but not both"),
    (FIXED, {"durationSeconds": None, "requests": 0},
     "stages[0].requests must be an integer from 1 to 10000000; got 0"),
    (FIXED, {"durationSeconds": None, "requests": 5, "maximumRequests": 5},
     "stages[0].maximumRequests must be absent where requests is given; got 5"),
    (SWEEP, {"inputTokens": []}, "stages[0].inputTokens must be a list of 1 to 100 items; got []"),
    (SWEEP, {"inputTokens": None}, "stages[0].inputTokens must be given; it is absent"),
    (SWEEP, {"inputTokens": [128, 0]}, "stages[0].inputTokens[1] must be an integer from 1 to 1000000; got 0"),
    (SWEEP, {"inputTokens": ["128"]}, 'stages[0].inputTokens[0] must be an integer from 1 to 1000000; got "128"'),
    (SWEEP, {"inputTokens": [128, None]}, "stages[0].inputTokens[1] must be given; it is absent"),
    (SWEEP, {"outputTokens": None}, "stages[0].outputTokens must be given; it is absent"),
    (SWEEP, {"requestsEach": 0}, "stages[0].requestsEach must be an integer from 1 to 100000; got 0"),
    (KNEE, {"of": None}, "stages[0].of must be given; it is absent"),
    (KNEE, {"of": "User"}, 'stages[0].of must be one of Rate, Users (did you mean Users?); got "User"'),
    (KNEE, {"start": 0}, "stages[0].start must be an integer from 1 to 10000; got 0"),
    (KNEE, {"step": 0}, "stages[0].step must be an integer from 1 to 10000; got 0"),
    (KNEE, {"maximum": 49}, "stages[0].maximum must be an integer from 50 to 10000; got 49"),
    (KNEE, {"stepSeconds": None}, "stages[0].stepSeconds must be given; it is absent"),
    (KNEE, {"soakSeconds": -1}, "stages[0].soakSeconds must be an integer from 0 to 604800; got -1"),
    (KNEE, {"of": "Rate", "thinkTimeSeconds": "1"},
     'stages[0].thinkTimeSeconds must be absent unless of is Users; got "1"'),
    (KNEE, {"of": "Rate", "start": 3, "stepSeconds": 3},
     "stages[0].stepSeconds must be at least 4, so that 10 requests are expected in the first step, at 3/s; got 3"),
    (KNEE, {"objectives": []}, "stages[0].objectives must be a list of 1 to 16 items; got []"),
    (KNEE, {"objectives": [{"indicator": "ScaleOutLag", "maximumMilliseconds": 9}]},
     "stages[0].objectives[0].indicator must be one of TimeToFirstToken, TimePerOutputToken, RequestLatency, "
     'RequestSuccess; got "ScaleOutLag"'),
    (KNEE, {"objectives": [LATENCY | {"maximumMilliseconds": None}]},
     "stages[0].objectives[0].maximumMilliseconds must be given; it is absent"),
    (KNEE, {"objectives": [LATENCY, SUCCESS | {"maximumMilliseconds": 9}]},
     "stages[0].objectives[1].maximumMilliseconds must be absent with the indicator RequestSuccess; got 9"),
    (KNEE, {"objectives": [LATENCY | {"percentile": 0}]},
     "stages[0].objectives[0].percentile must be an integer from 1 to 100; got 0"),
]


@pytest.mark.parametrize(("stage", "change", "words"), BAD_STAGES)
def test_a_bad_field_of_a_closed_loop_stage_is_refused_in_these_words(
    stage: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    parse_profile({"stages": [stage]})
    with pytest.raises(ProfileError) as caught:
        parse_profile({"stages": [stage | change]})
    assert words in [str(fault) for fault in caught.value.faults]
    assert len(caught.value.faults) <= 2


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([KNEE], "workers must be 1: stage s is a Knee, and one worker must judge its steps from all requests; got 2"),
        ([SWEEP, USERS | {"name": "u"}], "workers must be 1: stage s ends when its requests do, and only one worker "
         "knows when the next begins; got 2"),
    ],
)
def test_a_load_whose_next_step_only_one_worker_knows_is_not_shared(stages: list[dict[str, Any]], words: str) -> None:
    parse_profile({"stages": stages})
    with pytest.raises(ProfileError) as caught:
        parse_profile({"stages": stages, "workers": 2})
    assert str(caught.value) == words
    parse_profile({"stages": [USERS | {"name": "u"}, SWEEP], "workers": 2})


@pytest.mark.parametrize(
    ("change", "most", "each"),
    [
        ({}, 500_000, (math.inf, math.inf)),  # the bound of the whole load, which users share as they spend it
        ({"maximumRequests": 393_750}, 393_750, (75, 375)),  # over 630,000 s of users
        ({"maximumRequests": 300}, 3250, (1, 1)),  # each of 50, 100 … 500 users once, and of 500 in the soak
    ],
)
def test_a_bound_of_a_knee_s_own_is_spread_over_its_steps(
    change: dict[str, Any], most: int, each: tuple[float, float]
) -> None:
    (documented,) = re.findall(r"```yaml\n(stages:\n  - name: knee\n.*?)```", LOAD_PAGE.read_text(), re.DOTALL)
    document = yaml.safe_load(documented)
    document["stages"][0] |= change
    profile = parse_profile(document)
    (knee,) = profile.stages
    assert isinstance(knee, KneeStage)
    assert (profile.requests_of(knee), (knee.max_per_user(120), knee.max_per_user(600))) == (most, each)
    assert each == (math.inf, math.inf) or sum(knee.steps) * each[0] + 500 * each[1] <= most


def test_the_most_that_users_may_send_is_never_less_than_one_request_each() -> None:
    profile = parse_profile({"stages": [USERS | {"users": 30, "maximumRequests": 20}]})
    (stage,) = profile.stages
    assert isinstance(stage, UsersStage)
    assert (profile.requests_of(stage), stage.max_per_user) == (30, 1)


def test_the_stages_of_the_design_are_read() -> None:
    knee = KNEE | {"soakSeconds": 600}
    users = USERS | {"name": "u", "users": 200, "spawnPerSecond": "10", "thinkTimeSeconds": {"minimum": "1",
        "maximum": "3"}}
    stages = [GOOD["stages"][0], users, FIXED | {"name": "c"}, knee, SWEEP | {"name": "w"}]
    profile = parse_profile({"stages": stages})
    assert [stage.duration_seconds for stage in profile.stages] == [100, 10, 10, 10 * 120 + 600, 10 * 300]
    assert [stage.is_open_ended for stage in profile.stages] == [False, False, False, True, True]
    shared = 500_000 - 2600 - 10
    assert [int(profile.requests_of(stage)) for stage in profile.stages] == [2600, shared, shared, shared, 10]
    assert profile.most_requests == 500_000
