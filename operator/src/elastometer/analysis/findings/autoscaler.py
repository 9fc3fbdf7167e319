"""Findings from the autoscaler's decision account: the delay that its settings and its metric added to scale-outs."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from elastometer.model.autoscaler import AutoscalerAccount, Cause, Loss, ScaleAccount
from elastometer.model.findings import FindingName, Severity
from elastometer.model.measurements import Direction
from elastometer.model.report import Finding

# Below these, a delay is not worth a change: the HPA syncs every 15 s in any case.
HELD_SECONDS = 10.0
LATE_SECONDS = 10.0
DOUBTFUL_PERCENT = 95.0


def autoscaler_findings(account: AutoscalerAccount) -> Iterator[Finding]:
    """No findings if there is no account."""
    outs = [one for one in account.changes if one.direction == Direction.OUT]
    yield from _held(
        account, outs, Cause.POLICY, FindingName.POLICY_BOUND, "A scaling policy delayed the scale-out",
        "The metric was already asking for these replicas. Raise `value` in `behavior.scaleUp.policies`, or add a "
        "policy of type `Percent`: with `selectPolicy: Max`, the policy that allows more replicas applies.")
    yield from _held(
        account, outs, Cause.STABILIZATION, FindingName.SCALE_UP_WINDOW, "The scale-up window delayed the scale-out",
        "The metric was already asking for these replicas. Shorten `behavior.scaleUp.stabilizationWindowSeconds`: a "
        "window applies the lowest recommendation within it, and without a window the latest recommendation applies.")
    yield from _late(outs)
    yield from _doubtful(account)


def _held(
    account: AutoscalerAccount, outs: Sequence[ScaleAccount], cause: Cause, name: FindingName, title: str, advice: str,
) -> Iterator[Finding]:
    """Only for a constraint that kept replicas from being added, and only if it did so for long enough."""
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
            FindingName.LATE_METRIC, Severity.WARNING, "The metric that the autoscaler reads is late",
            f"It showed the need {usual:.0f} s late (median of {len(delays)} scale-outs), before any wait for a sync",
            "No setting of the autoscaler can make up for this delay. Scrape more often, or shorten the range of the "
            "query or the window of the adapter. CPU usage always lags, because it is an average over the past.")


def _doubtful(account: AutoscalerAccount) -> Iterator[Finding]:
    found = account.fidelity
    if found is None or found.percent is None or found.percent >= DOUBTFUL_PERCENT:
        return
    known, causes = found.seen + found.inferred, ", ".join(dict.fromkeys(one.cause for one in found.misses))
    yield Finding(
        FindingName.AUTOSCALER_DOUBTFUL, Severity.HINT, "The decision account of the autoscaler cannot be relied on",
        f"At {len(found.misses)} of {known} syncs the live controller decided differently from the replay: {causes}",
        "A sync that the replay does not reproduce cannot be explained. Look at the syncs listed under the account. "
        "Possible reasons are another version of the controller, or flags that differ from the defaults.")


def _loss(one: ScaleAccount, cause: Cause) -> Loss | None:
    return next((loss for loss in one.losses if loss.cause is cause), None)


def _milliseconds(one: ScaleAccount, cause: Cause) -> float:
    loss = _loss(one, cause)
    return 0.0 if loss is None or loss.milliseconds is None else loss.milliseconds
