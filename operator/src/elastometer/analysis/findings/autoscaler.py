"""Findings from the autoscaler's account: what its settings and its metric cost while replicas were missing."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from elastometer.model.autoscaler import Autoscaler, Cause, Loss, ScaleAccount
from elastometer.model.findings import FindingName, Severity
from elastometer.model.measured import Direction
from elastometer.model.report import Finding

# Below these a delay is not worth a change: most periods of a controller are 15 s.
HELD_SECONDS = 10.0
LATE_SECONDS = 10.0
DOUBTFUL_PERCENT = 95.0


def autoscaler_findings(account: Autoscaler) -> Iterator[Finding]:
    """Nothing where there is no account."""
    outs = [one for one in account.changes if one.direction == Direction.OUT]
    yield from _held(
        account, outs, Cause.POLICY, FindingName.POLICY_BOUND, "A scaling policy held the scale-out back",
        "Raise `value` in `behavior.scaleUp.policies`, or add a policy of `Percent`: with selectPolicy `Max` the one "
        "that allows more counts.")
    yield from _held(
        account, outs, Cause.STABILIZATION, FindingName.SCALE_UP_WINDOW, "The scale-up window held the scale-out back",
        "Shorten `behavior.scaleUp.stabilizationWindowSeconds`; without one the latest number counts.")
    yield from _late(outs)
    yield from _doubtful(account)


def _held(
    account: Autoscaler, outs: Sequence[ScaleAccount], cause: Cause, name: FindingName, title: str, advice: str,
) -> Iterator[Finding]:
    """Only what kept replicas from being added, and only if it did so for long enough."""
    mine = next((one for one in account.held if one.direction == Direction.OUT and one.cause is cause), None)
    if mine is None or mine.seconds < HELD_SECONDS:
        return
    worst = max(outs, key=lambda one: _milliseconds(one, cause), default=None)
    words = f"{mine.seconds:.0f} s with fewer replicas than wanted, first {mine.first_seconds:.0f} s after the " \
            "start of the load"
    if worst is not None and (waited := _milliseconds(worst, cause)):
        words += f"; {worst.from_replicas} to {worst.to_replicas} waited {waited / 1000:.0f} s of it"
    yield Finding(name, Severity.WARNING, title, words, advice)


def _late(outs: Sequence[ScaleAccount]) -> Iterator[Finding]:
    delays = [loss for one in outs if (loss := _loss(one, Cause.METRIC_DELAY)) is not None and loss.milliseconds]
    usual = median(loss.milliseconds or 0.0 for loss in delays) / 1000 if delays else 0.0
    if usual >= LATE_SECONDS and all(loss.milliseconds > (loss.plus_minus_milliseconds or 0.0) for loss in delays
                                     if loss.milliseconds is not None):
        yield Finding(
            FindingName.LATE_METRIC, Severity.WARNING, "The number that the autoscaler reads was old",
            f"It told the need {usual:.0f} s late (median of {len(delays)} scale-outs), before any wait for a sync",
            "Scrape more often, shorten the range of the query or of the adapter's window; CPU usage is by itself an "
            "average over the past.")


def _doubtful(account: Autoscaler) -> Iterator[Finding]:
    found = account.fidelity
    if found is None or found.percent is None or found.percent >= DOUBTFUL_PERCENT:
        return
    known, causes = found.seen + found.inferred, ", ".join(dict.fromkeys(one.cause for one in found.misses))
    yield Finding(
        FindingName.AUTOSCALER_DOUBTFUL, Severity.HINT, "The account of the autoscaler is not to be relied on",
        f"{len(found.misses)} of {known} syncs were decided otherwise than the replay says: {causes}",
        "Look at the syncs that are not reproduced; another controller version or other flags decide differently.")


def _loss(one: ScaleAccount, cause: Cause) -> Loss | None:
    return next((loss for loss in one.losses if loss.cause is cause), None)


def _milliseconds(one: ScaleAccount, cause: Cause) -> float:
    loss = _loss(one, cause)
    return 0.0 if loss is None or loss.milliseconds is None else loss.milliseconds
