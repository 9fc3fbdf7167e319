"""Troubles in Chinese prompts that begin at a turn, a length or a number of streams: found there and nowhere else."""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest
from zstandard import ZstdDecompressor

from elastometer_loadgen.base.turns import turn_of

StandIn = Callable[..., AbstractContextManager[str]]
CONVERSATIONS, LABELLED, EXTRACTED, CROWD = 30, 60, 60, 60
PROFILE = f"""
seed: 5
timeoutSeconds: 30
latenessBoundMilliseconds: 10000
tasks:
  - name: recall
    messages:
      - {{role: user, content: "{{{{ canary }}}} 请记住：会议代号是{{{{ code }}}}。"}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "今天天气怎么样？"}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "会议代号是什么？"}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "再说一遍会议代号。"}}
    dataset: {{inline: [{{code: 青鸟}}, {{code: 海燕}}]}}
    maximumTokens: 64
    checks: [{{type: Recall, fact: "会议代号是{{{{ code }}}}"}}]
  - name: emotion
    messages:
      - {{role: system, content: "判断情感，只能回答以下之一：正面、负面。"}}
      - {{role: user, content: "{{{{ text }}}}"}}
    dataset:
      inline:
        - {{text: 今天好烦, right: 负面}}
        - {{text: 这个方案太棒了，我们都很喜欢, right: 正面}}
    maximumTokens: 16
    sampling: {{seed: PerRequest}}
    checks: [{{type: Label, labels: [正面, 负面], expected: "{{{{ right }}}}"}}]
  - name: person
    messages: [{{role: user, content: "生成 JSON 格式的数据：姓名:{{{{ name }}}},年龄:{{{{ age }}}},"}}]
    dataset: {{inline: [{{name: 张伟, age: 32}}, {{name: 李娜, age: 27}}]}}
    maximumTokens: 64
    sampling: {{seed: PerRequest}}
    checks:
      - type: JSONSchema
        schema:
          type: object
          required: [name, age]
          properties:
            name: {{type: string, const: "{{{{ name }}}}"}}
            age: {{type: integer, const: "{{{{ age }}}}"}}
stages:
  - {{name: talks, type: Concurrency, concurrency: 3, requests: {CONVERSATIONS}, tasks: [recall]}}
  - {{name: labels, type: Concurrency, concurrency: 3, requests: {LABELLED}, tasks: [emotion]}}
  - {{name: persons, type: Concurrency, concurrency: 3, requests: {EXTRACTED}, tasks: [person]}}
  - {{name: crowd, type: Concurrency, concurrency: 8, requests: {CROWD}, tasks: [person]}}
"""
SCHEMA = ('{"type": "object", "required": ["name", "age"], "properties": {"name": {"type": "string", "fromPrompt": '
          '"姓名:([^,]+)"}, "age": {"type": "integer", "fromPrompt": "年龄:([0-9]+)"}}}')
READS = (
    f"--standin-json-schema={SCHEMA}", "--standin-label-words=正面=太棒|喜欢,负面=烦", "--standin-answer-tokens=24",
)
TROUBLES = (
    "--standin-forget-rate=1", "--standin-forget-when=turn>3",
    "--standin-wrong-label-rate=0.5", "--standin-wrong-label-when=prompt-characters>5",
    "--standin-quoted-number-rate=1", "--standin-quoted-number-when=injected<3",
    "--standin-oom-rate=1", "--standin-oom-when=streams>=6",
)


def run(folder: Path, url: str) -> list[dict[str, Any]]:
    (folder / "profile.yaml").write_text(PROFILE)
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(folder / "profile.yaml"), f"--target={url}"]
    done = subprocess.run([*command, f"--out={folder / 'out'}"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    packed = (folder / "out" / "requests.jsonl.zst").read_bytes()
    return [orjson.loads(line) for line in ZstdDecompressor().decompressobj().decompress(packed).splitlines()]


def failures(records: list[dict[str, Any]]) -> dict[str, set[int]]:
    """The requests with each failure of a check."""
    found: dict[str, set[int]] = defaultdict(set)
    for record in records:
        for failure in filter(None, (record["checks"] or {}).values()):
            found[failure].add(record["id"])
    return found


@pytest.mark.timeout(120)
def test_troubles_are_found_in_the_requests_that_the_stand_in_names_and_in_no_others(
    tmp_path: Path, standin: StandIn
) -> None:
    with standin(tmp_path / "log", *READS, *TROUBLES) as url:
        records = run(tmp_path, url)
    struck: dict[str, set[int]] = defaultdict(set)
    for number, fault in re.findall(r"request \w+-(\d+)-\w+: injected (\S+)", (tmp_path / "log").read_text()):
        struck[fault].add(int(number))
    assert {fault: len(numbers) for fault, numbers in struck.items()}.keys() == {
        "forget", "wrong-label", "quoted-number", "oom"}
    found = failures(records)
    assert found == {
        "Forgotten:3": struck["forget"], "UnknownLabel": struck["wrong-label"],
        "QuotedNumber:age": struck["quoted-number"],
    }
    assert {turn_of(number) for number in struck["forget"]} == {4}
    assert len(struck["forget"]) == CONVERSATIONS
    assert len(struck["quoted-number"]) == 3
    lost = {record["id"] for record in records if record["outcome"] != "Success"}
    assert lost == struck["oom"]
    assert {record["stage"] for record in records if record["id"] in lost} == {"crowd"}
    assert {(record["status"], record["outcome"]) for record in records if record["id"] in lost} == {
        (500, "ServerError")}
    characters = {record["id"]: record["inputCharacters"] for record in records}
    assert {characters[number] > 5 for number in struck["wrong-label"]} == {True}
    assert 5 < len(struck["wrong-label"]) < LABELLED / 2


@pytest.mark.timeout(120)
def test_without_troubles_every_answer_in_chinese_is_right(tmp_path: Path, standin: StandIn) -> None:
    with standin(tmp_path / "log", *READS) as url:
        records = run(tmp_path, url)
    assert {record["outcome"] for record in records} == {"Success"}
    assert failures(records) == {}
    judged = sum(len(record["checks"] or ()) for record in records)
    assert judged == CONVERSATIONS + LABELLED + EXTRACTED + CROWD
