"""50 conversations at a time with a server that sometimes forgets: those answers are found, and no others."""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest
from zstandard import ZstdDecompressor

from elastometer_loadgen.base.turns import turn_of

StandIn = Callable[..., AbstractContextManager[str]]
TURNS, CONVERSATIONS = 4, 800
PROFILE = f"""
seed: 5
timeoutSeconds: 30
latenessBoundMilliseconds: 10000
tasks:
  - name: recall
    thinkTimeSeconds: {{minimum: "0", maximum: "0.01"}}
    messages:
      - {{role: user, content: "{{{{ canary }}}} Remember: the code is {{{{ code }}}}. Say it."}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "How are you?"}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "And the weather?"}}
      - {{role: assistant, generated: true}}
      - {{role: user, content: "What was it that I said?"}}
    dataset: {{inline: [{{code: seven}}, {{code: Lima}}, {{code: "4711"}}]}}
    maximumTokens: 64
    checks:
      - {{type: Recall, fact: "the code is {{{{ code }}}}"}}
      - {{type: Crosstalk}}
      - {{type: Truncation}}
      - {{type: Repetition, maximumShare: "0.3"}}
      - {{type: MinimumTokens, minimum: 8}}
stages:
  - {{name: talks, type: Concurrency, concurrency: 50, requests: {CONVERSATIONS}}}
"""
# What the stand-in counts for a message beside its text, and for the word `assistant`.
MESSAGE_TOKENS, ROLE_TOKENS = 4, 3


def run(folder: Path, url: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    (folder / "profile.yaml").write_text(PROFILE)
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(folder / "profile.yaml"), f"--target={url}"]
    done = subprocess.run([*command, f"--out={folder / 'out'}"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    packed = (folder / "out" / "requests.jsonl.zst").read_bytes()
    lines = ZstdDecompressor().decompressobj().decompress(packed).splitlines()
    return [orjson.loads(line) for line in lines], orjson.loads((folder / "out" / "summary.json").read_bytes())


@pytest.mark.timeout(120)
def test_every_conversation_that_was_forgotten_is_found_and_no_other_is_blamed(
    tmp_path: Path, standin: StandIn
) -> None:
    with standin(tmp_path / "log", "--standin-answer-tokens=24", "--standin-forget-rate=0.03") as url:
        records, summary = run(tmp_path, url)
        log = (tmp_path / "log").read_text()
    struck = {int(number) for number in re.findall(r"request \w+-(\d+)-\w+: injected forget", log)}
    last = {number for number in struck if turn_of(number) == TURNS}
    assert len(struck) > len(last) > 0.015 * CONVERSATIONS, "a run in which hardly any was forgotten proves nothing"
    blamed = {record["id"]: record["checks"] for record in records if any((record["checks"] or {}).values())}
    assert set(blamed) == last
    assert {checks["Recall"] for checks in blamed.values()} == {"Forgotten:3"}
    (recall,) = [row for row in summary["checks"] if row["check"] == "Recall"]
    assert (recall["judged"], recall["failures"]) == (CONVERSATIONS, {"Forgotten:3": len(last)})


@pytest.mark.timeout(120)
def test_the_history_holds_the_servers_own_answers(tmp_path: Path, standin: StandIn) -> None:
    with standin(tmp_path / "log", "--standin-answer-tokens=24") as url:
        records, summary = run(tmp_path, url)
    assert {record["outcome"] for record in records} == {"Success"}
    assert [summary[name] for name in ("planned", "sent", "unsent", "unsentTurns")] == [3200, 3200, 0, 0]
    turns: dict[int, list[dict[str, Any]]] = {}
    for record in sorted(records, key=lambda record: record["turn"]):
        turns.setdefault(record["conversation"], []).append(record)
    assert len(turns) == CONVERSATIONS
    for talk in turns.values():
        assert [record["turn"] for record in talk] == [1, 2, 3, 4]
        for question, before, record in zip(("How are you?", "And the weather?"), talk, talk[1:], strict=False):
            asked = MESSAGE_TOKENS + 1 + -(-len(question) // 4)
            answered = record["promptTokens"] - before["promptTokens"] - asked - MESSAGE_TOKENS - ROLE_TOKENS
            # An answer's last token has no text, and its first one may be a long mark; the others are some six letters.
            assert before["completionTokens"] - 1 <= answered <= 2 * before["completionTokens"] + 8
