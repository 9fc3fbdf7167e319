"""What happens to an answer when its request is over: it is judged, counted, and may be printed as a line."""

from collections.abc import Callable

from elastometer_loadgen.checks.check import CheckedAnswer
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


class Inspection:
    """Inspects every settled exchange once; `tally` may hold what an earlier incarnation of the worker counted."""

    def __init__(self, rule: FingerprintRule, tally: CheckTally, print_line: Callable[[str], None]) -> None:
        self.tally = tally
        self._rule = rule
        self._print_line = print_line

    def inspect(self, exchange: Exchange) -> Findings | None:
        """The findings for the record; None when nothing was judged."""
        findings = _judge(exchange)
        if findings is not None:
            self.tally.add(exchange.arrival.stage, exchange.prompt.task, findings)
        if self._rule.lines is not FingerprintLines.NONE:
            self._print(exchange, findings or {})
        return findings

    def _print(self, exchange: Exchange, findings: Findings) -> None:
        prompt, answer = exchange.prompt, exchange.answer
        if self._rule.is_due(prompt.fingerprint) or any(findings.values()):
            line = RequestLine(
                fingerprint=prompt.fingerprint,
                task=prompt.task,
                input=last_input(prompt.body),
                output=answer.text if answer.chunks else None,
                findings=findings,
            )
            self._print_line(fingerprint_line(line, self._rule.characters_shown))


def _judge(exchange: Exchange) -> Findings | None:
    contract, outcome, answer = exchange.prompt.contract, exchange.outcome, exchange.answer
    if contract is None or outcome is None:
        return None
    text, reason, tokens = answer.text, answer.finish_reason, answer.completion_tokens
    return contract.judge(CheckedAnswer(outcome, text, reason, tokens, exchange.prompt.canary)) or None
