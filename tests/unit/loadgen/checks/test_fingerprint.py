"""A fingerprint line can be searched for, shows no more than it may, and cannot break a log."""

import subprocess
import sys

import pytest

from elastometer_loadgen.base.fields import Fields
from elastometer_loadgen.checks.fingerprint import (
    FingerprintLines,
    FingerprintRule,
    RequestLine,
    escaped,
    fingerprint_line,
    last_input,
    parse_fingerprints,
)


def line(text: str, output: str | None, shown: int = 40, **findings: str | None) -> str:
    request = RequestLine(mark="REQ-7a2f-17", task="emotion", input=text, output=output, findings=findings)
    return fingerprint_line(request, shown)


def test_a_line_has_the_documented_form() -> None:
    assert line("会议推迟了，真扫兴", "负面") == '[REQ-7a2f-17] TASK=emotion INPUT="会议推迟了，真扫兴" → OUTPUT="负面"'


def test_failed_checks_follow_and_passed_ones_do_not() -> None:
    failed = line("a", "b", Label="UnknownLabel", Truncation=None, JSONSchema="QuotedNumber:age")
    assert failed.endswith('OUTPUT="b" FAILED=Label:UnknownLabel,JSONSchema:QuotedNumber:age')


def test_beyond_the_limit_only_the_length_is_shown() -> None:
    assert line("secret word", "answer", 6) == '[REQ-7a2f-17] TASK=emotion INPUT="secret"…+5 → OUTPUT="answer"'
    assert line("secret", "answer", 0) == '[REQ-7a2f-17] TASK=emotion INPUT=""…+6 → OUTPUT=""…+6'


def test_an_answer_that_never_came_is_a_dash() -> None:
    assert line("a", None).endswith("→ OUTPUT=-")
    assert line("a", "").endswith('→ OUTPUT=""')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[2Jx\x07\x7f", "\\u001b[2Jx\\u0007\\u007f"),
        ("a\u2028b\u0085c", "a\\u2028b\\u0085c"),
        ("\u202eevil\u200b\ufeff", "\\u202eevil\\u200b\\ufeff"),
        ('say "hi" \\', 'say \\"hi\\" \\\\'),
        ("\U000e0041", "\\udb40\\udc41"),
    ],
)
def test_what_could_break_a_log_is_escaped(text: str, shown: str) -> None:
    printed = line(text, text)
    assert printed.count(f'"{shown}"') == 2
    assert printed.isprintable()


def test_a_failure_that_names_a_hostile_field_is_escaped_too() -> None:
    assert line("a", "b", JSONSchema="MissingField:a\nb").endswith("FAILED=JSONSchema:MissingField:a\\nb")
    assert escaped("plain") == "plain"


@pytest.mark.parametrize(("percent", "due"), [("0", 0), ("1", 655), ("25", 16384), ("100", 65536)])
def test_a_sample_is_its_share_and_always_the_same(percent: str, due: int) -> None:
    rule = parse_fingerprints(
        Fields({"fingerprints": {"lines": "Sampled", "samplePercent": percent}}, "", [], ["fingerprints"])
    )
    assert rule.lines is FingerprintLines.SAMPLED
    assert sum(rule.is_due(f"{number:04x}") for number in range(65536)) == pytest.approx(due, abs=1)


def test_no_line_is_due_by_default_and_with_all_every_line_is() -> None:
    assert not FingerprintRule().is_due("0000")
    assert FingerprintRule(FingerprintLines.ALL).is_due("ffff")


def test_the_input_is_the_prompt_or_the_last_message_of_the_user() -> None:
    assert last_input(b'{"prompt": "once"}') == "once"
    assert last_input(b'{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}') == "b"
    assert last_input(b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}') == "a"
    assert last_input(b'{"messages": [{"role": "system", "content": "a"}]}') == "a"


def test_a_reader_that_goes_away_ends_the_lines_and_not_the_run() -> None:
    """`run | head -1` with more lines than any pipe holds."""
    script = (
        "from elastometer_loadgen.gauges.progress import OutputLines\n"
        "lines = OutputLines()\n"
        "for number in range(20_000):\n"
        "    lines.write(f'[REQ-{number:04x}] line')\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    assert writer.stdout.readline() == "[REQ-0000] line\n"
    writer.stdout.close()
    log = writer.stderr.read()
    assert writer.wait(timeout=20) == 0
    assert log == "elastometer-load: no more fingerprint lines are written: [Errno 32] Broken pipe\n"
