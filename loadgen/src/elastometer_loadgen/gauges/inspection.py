"""What happens to an answer when its request is over: it is judged, counted, and may leave a line for people."""

from collections.abc import Callable

from elastometer_loadgen.checks.check import Said
from elastometer_loadgen.checks.contract import Findings
from elastometer_loadgen.checks.fingerprint import FingerprintRule, Lines, fingerprint_line, last_input
from elastometer_loadgen.checks.rate import CheckTally
from elastometer_loadgen.wire.exchange import Exchange


class Inspection:
    """Looks at every settled exchange once; `tally` may hold what an earlier life of the worker counted."""

    def __init__(self, rule: FingerprintRule, tally: CheckTally, say: Callable[[str], None]) -> None:
        self.tally = tally
        self._rule = rule
        self._say = say

    def look(self, exchange: Exchange) -> Findings | None:
        """The findings for the record; None when nothing was judged."""
        findings = _judge(exchange)
        if findings is not None:
            self.tally.add(exchange.arrival.stage, exchange.prompt.task, findings)
        if self._rule.lines is not Lines.NONE:
            self._tell(exchange, findings or {})
        return findings

    def _tell(self, exchange: Exchange, findings: Findings) -> None:
        prompt = exchange.prompt
        if self._rule.is_due(prompt.fingerprint) or any(findings.values()):
            asked, answer = last_input(prompt.body), exchange.answer
            said, shown = (answer.text if answer.chunks else None), self._rule.characters_shown
            self._say(fingerprint_line(prompt.fingerprint, prompt.task, asked, said, findings, shown))


def _judge(exchange: Exchange) -> Findings | None:
    contract, outcome, answer = exchange.prompt.contract, exchange.outcome, exchange.answer
    if contract is None or outcome is None:
        return None
    said = Said(outcome, answer.text, answer.finish_reason, answer.completion_tokens, exchange.prompt.canary)
    return contract.judge(said) or None
