"""Each bad profile is refused with exit code 2 and one exact sentence, before any connection is made."""

import copy
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastometer_loadgen.__main__ import main
from elastometer_loadgen.base.document import read_document, write_document
from elastometer_loadgen.stages.stage import StageType

GOOD = """
seed: 7
tasks:
  - {name: poem, prompt: "About {{ theme }}.", dataset: {inline: [{theme: sea}]},
     maximumTokens: {minimum: 4, maximum: 8}}
  - {name: fact, messages: [{role: user, content: One fact.}]}
stages:
  - {name: ramp, type: Rate, durationSeconds: 10, startRequestsPerSecond: "1", endRequestsPerSecond: "5"}
  - {name: hold, type: Rate, durationSeconds: 10, endRequestsPerSecond: "5"}
"""
TRACE_BACK_IN_TIME = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.0,10,5\n2023-11-16 18:17:03.0,10,5\n"
)
ABSENT = object()
LONG = "x" * 1_000_001
BIG = 2**63
USERS = {"name": "s", "type": "Users", "durationSeconds": 10, "users": 10}
KNEE = {
    "name": "s", "type": "Knee", "of": "Users", "start": 50, "step": 50, "stepSeconds": 10, "maximum": 100,
    "soakSeconds": 10,
}
SWEEP = {"name": "s", "type": "Sweep", "inputTokens": [128], "outputTokens": 16, "requestsEach": 1}
TRACE = {"name": "s", "type": "Trace", "file": "back.csv", "format": "AzureLLM"}

NEGATIVE: list[tuple[str, object, str]] = [
    ("seed", -1, "seed must be an integer from 0 to 9223372036854775807; got -1"),
    ("retries", -1, "retries must be an integer from 0 to 10; got -1"),
    ("stages.0.durationSeconds", -10, "stages[0].durationSeconds must be an integer from 1 to 604800; got -10"),
    ("stages.0.endRequestsPerSecond", "-5",
     'stages[0].endRequestsPerSecond must be a decimal string from "0" to "100000"; got "-5"'),
    ("tasks.0.weight", -1, "tasks[0].weight must be an integer from 1 to 1000000; got -1"),
    ("tasks.0.sampling", {"temperature": "-0.1"},
     'tasks[0].sampling.temperature must be a decimal string from "0" to "2"; got "-0.1"'),
    ("stages.1", USERS | {"users": -5}, "stages[1].users must be an integer from 1 to 10000; got -5"),
]
ZERO: list[tuple[str, object, str]] = [
    ("workers", 0, "workers must be an integer from 1 to 1000; got 0"),
    ("timeoutSeconds", 0, "timeoutSeconds must be an integer from 1 to 86400; got 0"),
    ("idleTimeoutSeconds", 0, "idleTimeoutSeconds must be an integer from 1 to 86400; got 0"),
    ("latenessBoundMilliseconds", 0, "latenessBoundMilliseconds must be an integer from 1 to 60000; got 0"),
    ("tasks.0.maximumTokens", 0, "tasks[0].maximumTokens must be an integer from 1 to 1000000; got 0"),
    ("stages.0.durationSeconds", 0, "stages[0].durationSeconds must be an integer from 1 to 604800; got 0"),
    ("stages.1", USERS | {"spawnPerSecond": "0"},
     'stages[1].spawnPerSecond must be a decimal string from "0.001" to "10000"; got "0"'),
    ("stages.1", KNEE | {"step": 0}, "stages[1].step must be an integer from 1 to 10000; got 0"),
    ("stages", [{"name": "a", "type": "Rate", "durationSeconds": 5, "endRequestsPerSecond": "0", "role": "Quiet"}],
     "stages must plan at least one request; got rates of 0 throughout"),
]
HUGE: list[tuple[str, object, str]] = [
    ("seed", BIG, f"seed must be an integer from 0 to 9223372036854775807; got {BIG}"),
    ("retries", 11, "retries must be an integer from 0 to 10; got 11"),
    ("tasks.1.maximumTokens", 10**9, "tasks[1].maximumTokens must be an integer from 1 to 1000000; got 1000000000"),
    ("stages.0.durationSeconds", 10**12,
     "stages[0].durationSeconds must be an integer from 1 to 604800; got 1000000000000"),
    ("stages.0.endRequestsPerSecond", "999999999",
     'stages[0].endRequestsPerSecond must be a decimal string from "0" to "100000"; got "999999999"'),
    ("stages", [{"name": "a", "type": "Rate", "durationSeconds": 604800, "endRequestsPerSecond": "99999"}],
     "stages must plan at most 10000000 requests; got about 60479395200"),
    ("model", LONG, f'model must be a string of 1 to 512 characters; got "{LONG[:79]}…'),
    ("tasks.0.prompt", LONG, f'tasks[0].prompt must be a string of 1 to 1000000 characters; got "{LONG[:79]}…'),
]
MISSING: list[tuple[str, object, str]] = [
    ("stages", ABSENT, "stages must be given; it is absent"),
    ("stages.0.name", ABSENT, "stages[0].name must be given; it is absent"),
    ("stages.0.type", ABSENT, "stages[0].type must be given; it is absent"),
    ("stages.0.durationSeconds", ABSENT, "stages[0].durationSeconds must be given; it is absent"),
    ("stages.0.endRequestsPerSecond", ABSENT, "stages[0].endRequestsPerSecond must be given; it is absent"),
    ("tasks.0.name", ABSENT, "tasks[0].name must be given; it is absent"),
    ("tasks.0.prompt", ABSENT,
     "tasks[0].messages must be given, or prompt or inputTokens instead, but only one of them"),
    ("tasks.0.dataset", ABSENT,
     "tasks[0].prompt must come with a dataset that has these fields: theme; dataset is absent"),
    ("tasks.1.messages.0.content", ABSENT, "tasks[1].messages[0].content must be given; it is absent"),
    ("connection", {"policy": "MaxAge"}, "connection.maxAgeSeconds must be given when policy is MaxAge; it is absent"),
    ("stages.1", TRACE | {"file": None}, "stages[1].file must be given; it is absent"),
    ("stages.1", SWEEP | {"inputTokens": []}, "stages[1].inputTokens must be a list of 1 to 100 items; got []"),
]
WRONG: list[tuple[str, object, str]] = [
    ("stages.1.name", "ramp", 'stages[1].name must be unique in stages; got "ramp" again'),
    ("tasks.1.name", "poem", 'tasks[1].name must be unique in tasks; got "poem" again'),
    ("tasks.0.prompt", "About {{ colour }}.",
     "tasks[0].dataset.inline[0] must hold the field 'colour' that tasks[0].prompt uses; got {\"theme\":\"sea\"}"),
    ("tasks.0.dataset.inline.0", {"theem": "sea"},
     "tasks[0].dataset.inline[0] must hold the field 'theme' that tasks[0].prompt uses; got {\"theem\":\"sea\"}"),
    ("tasks.0.prompt", "{{ theme.upper() }}",
     'tasks[0].prompt must hold only plain fields such as {{ theme }}; got "{{ theme.upper() }}"'),
    ("tasks.0.dataset.inline.0", {"theme": ["a"]},
     'tasks[0].dataset.inline[0].theme must be a string or a number; got ["a"]'),
    ("tasks.0.maximumTokens.maximum", 3, "tasks[0].maximumTokens.maximum must be at least the minimum, 4; got 3"),
    ("tasks.0.sampling", {"temperature": 0.7},
     'tasks[0].sampling.temperature must be a decimal string from "0" to "2" (in quotes); got 0.7'),
    ("stages.0.endRequestsPerSecond", "1e3",
     'stages[0].endRequestsPerSecond must be a decimal string from "0" to "100000"; got "1e3"'),
    ("seed", math.nan, "seed must be an integer from 0 to 9223372036854775807; got nan"),
    ("seed", "7", 'seed must be an integer from 0 to 9223372036854775807; got "7"'),
    ("endpoint", "chat", 'endpoint must be one of ChatCompletions, Completions; got "chat"'),
    ("connection", {"policy": "KeepAlive"},
     'connection.policy must be one of Reuse, PerRequest, MaxAge, SpreadOverPods; got "KeepAlive"'),
    ("connection", {"policy": "Reuse", "maxAgeSeconds": 60},
     "connection.maxAgeSeconds must be absent unless policy is MaxAge; got 60"),
    ("stages.0.type", "Ramp",
     f'stages[0].type must be one of {", ".join(StageType)}; got "Ramp"'),
    ("stages.0.type", [], f'stages[0].type must be one of {", ".join(StageType)}; got []'),
    ("stages.0.endRequestPerSecond", "5",
     "stages[0].endRequestPerSecond is not a known field; did you mean endRequestsPerSecond?"),
    ("stages.0", None, "stages[0] must be a mapping; got null"),
    ("stages.1", TRACE,
     "stages[1].file back.csv line 3: its time must not go back in time from 2023-11-16 18:17:04.0 on the line before; "
     "got 2023-11-16 18:17:03.0"),
]


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Where the load would go; it never blocks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def refusal(server: socket.socket, profile: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a profile that was refused before anything was sent or written."""
    out = profile.parent / "out"
    target = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert main(["run", str(profile), "--target", target, "--out", str(out)]) == 2
    assert not out.exists()
    with pytest.raises(BlockingIOError):
        server.accept()
    printed = capsys.readouterr()
    assert not printed.out
    return printed.err


def changed(path: str, value: object) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(yaml.safe_load(GOOD))
    place: Any = document
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in way:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return document


BAD = [*NEGATIVE, *ZERO, *HUGE, *MISSING, *WRONG]


@pytest.mark.parametrize(("path", "value", "sentence"), BAD, ids=[f"{row[0]}-{n}" for n, row in enumerate(BAD)])
def test_a_bad_profile_is_refused_by_one_exact_sentence(
    server: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, value: object, sentence: str
) -> None:
    profile = tmp_path / "profile.yaml"
    (tmp_path / "back.csv").write_text(TRACE_BACK_IN_TIME)
    profile.write_text(write_document(changed(path, value)))
    said = refusal(server, profile, capsys)
    assert said == f"error: the profile {profile} is not valid; nothing was sent:\n  {sentence}\n"


TEXTS = {
    "not YAML": (b"stages: [", "  the profile must be YAML: while parsing a flow node"),
    "tabs": (b"stages:\n\t- x\n", "  the profile must be YAML: while scanning for the next token"),
    "code": (b"stages: !!python/object:os.system x\n", "  the profile must be YAML: could not determine a constructor"),
    "a key twice": (b"seed: 1\nseed: 2\n", "  the profile must be YAML: 'seed' is given twice at "),
    "a key twice within": (b"tasks: [{name: a, name: b}]\n", "  the profile must be YAML: 'name' is given twice at "),
    "two documents": (b"seed: 1\n---\nseed: 2\n", "  the profile must be YAML: expected a single document"),
    "nothing": (b"", "  the profile must be a mapping; got null\n"),
    "a list": (b"- 1\n", "  the profile must be a mapping; got [1]\n"),
    "a word": (b"profile\n", '  the profile must be a mapping; got "profile"\n'),
}


@pytest.mark.parametrize(("text", "words"), TEXTS.values(), ids=list(TEXTS))
def test_a_text_that_is_no_profile_is_refused(
    server: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, words: str
) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_bytes(text)
    said = refusal(server, profile, capsys)
    assert said.startswith(f"error: the profile {profile} is not valid; nothing was sent:\n{words}")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_bytes(b"seed: 7 # caf\xe9\n"), "'utf-8' codec can't decode byte 0xe9"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_its_path(
    server: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Any, why: str
) -> None:
    profile = tmp_path / "profile.yaml"
    make(profile)
    said = refusal(server, profile, capsys)
    assert said.startswith(f"error: the profile {profile} must be a readable text file: ")
    assert why in said


def test_a_merged_key_may_be_overruled() -> None:
    assert read_document("a: &a {k: 1, l: 2}\nb: {<<: *a, k: 3}\n") == {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}


def test_the_good_profile_that_the_bad_ones_differ_from_can_be_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(GOOD)
    assert main(["plan", str(profile)]) == 0
    assert capsys.readouterr().out.count("\n") > 50
    assert len(BAD) + len(TEXTS) > 30
