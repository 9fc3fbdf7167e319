"""What happens to an answer when its request is over: it is judged, counted, and may be printed as a line."""

from collections.abc import Callable
from typing import NamedTuple

from elastometer_loadgen.base.record import Repeat, request_mark
from elastometer_loadgen.checks.check import CheckedAnswer, CheckType
from elastometer_loadgen.checks.contract import Findings
from elastometer_loadgen.checks.fingerprint import (
    FingerprintLines,
    FingerprintRule,
    RequestLine,
    fingerprint_line,
    last_input,
)
from elastometer_loadgen.checks.rate import CheckTally
from elastometer_loadgen.wire.exchange import Exchange


class Inspected(NamedTuple):
    """The findings of the checks, None when nothing was judged; the repetition that one of them looked at; and the
    characters of the answer, None where its text was not kept."""

    findings: Findings | None
    repeat: Repeat | None
    characters: int | None


# Of most requests, without a new object for each.
NOTHING = Inspected(None, None, None)


class Inspection:
    """Inspects every settled exchange once; `tally` may hold what an earlier incarnation of the worker counted."""

    def __init__(self, rule: FingerprintRule, tally: CheckTally, write_line: Callable[[int, str], None]) -> None:
        self.tally = tally
        self._rule = rule
        self._has_lines = rule.lines is not FingerprintLines.NONE
        self._write_line = write_line

    def inspect(self, exchange: Exchange) -> Inspected:
        """What the record says of the answer."""
        text = exchange.answer.text
        if text is None and exchange.prompt.contract is None and not self._has_lines:
            return NOTHING
        findings, repeat = _judge(exchange, text)
        if findings is not None:
            self.tally.add(exchange.arrival.stage, exchange.prompt.task, findings)
        if self._has_lines:
            self._print(exchange, findings or {}, text)
        return Inspected(findings, repeat, None if text is None else len(text))

    def _print(self, exchange: Exchange, findings: Findings, text: str | None) -> None:
        prompt = exchange.prompt
        if self._rule.is_due(prompt.fingerprint) or any(findings.values()):
            line = RequestLine(
                mark=request_mark(prompt.fingerprint, exchange.arrival.id),
                task=prompt.task,
                input=last_input(prompt.body),
                output=text if exchange.answer.chunks else None,
                findings=findings,
            )
            self._write_line(exchange.arrival.id, fingerprint_line(line, self._rule.characters_shown))


def _judge(exchange: Exchange, text: str | None) -> tuple[Findings | None, Repeat | None]:
    contract, outcome, answer = exchange.prompt.contract, exchange.outcome, exchange.answer
    if contract is None or outcome is None:
        return None, None
    reason, tokens = answer.finish_reason, answer.completion_tokens
    checked = CheckedAnswer(outcome, text, reason, tokens, exchange.prompt.canary)
    findings = contract.judge(checked)
    return findings or None, checked.repeat if CheckType.REPETITION.value in findings else None
