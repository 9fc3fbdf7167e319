"""The story in sentences: each with its numbers, and with the sections that hold their evidence."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.story.advice_words import advice_sentence
from elastometer.analysis.story.figures import amount, seconds_text
from elastometer.model.in_words import bound, count, duration, plural
from elastometer.model.report import Verdict
from elastometer.model.story import (
    Anchor,
    Blind,
    Cost,
    Happened,
    Sentence,
    SentenceKind,
    Story,
    WorstMinute,
)

# What two decimals show as 0.
LEAST_MISSING = 0.005


def sentences(story: Story, verdict: Verdict) -> tuple[Sentence, ...]:
    """What no objective covers first, since it qualifies the verdict; a part that there is not has no sentence."""
    return tuple(_sentences(story, verdict))


def _sentences(story: Story, verdict: Verdict) -> Iterator[Sentence]:
    if story.blind is not None:
        yield Sentence(SentenceKind.BLIND, _blind(story.blind, verdict), (Anchor.FINDINGS, Anchor.CHARTS))
    if story.happened is not None:
        yield Sentence(SentenceKind.HAPPENED, _happened(story.happened), (Anchor.LOAD, Anchor.SCALE_EVENTS))
    if story.cost is not None and (text := _cost(story.cost)):
        yield Sentence(SentenceKind.COST, text, (Anchor.PRICE, Anchor.ELASTICITY))
    if story.advice is not None and story.happened is not None:
        yield advice_sentence(story.advice)
    if story.worst_minute is not None:
        yield Sentence(SentenceKind.WORST_MINUTE, _worst_minute(story.worst_minute, story.blind is not None),
                       (Anchor.CHARTS, Anchor.AUTOSCALER))


def _blind(blind: Blind, verdict: Verdict) -> str:
    begin = "The run passes, but no" if verdict is Verdict.PASS else "No"
    stages = _listed([f"'{name}'" for name in blind.stages])
    stage = "stage" if len(blind.stages) == 1 else "stages"
    return (f"{begin} objective covers the {blind.seconds:.0f} s in which p95 was above "
            f"{bound(blind.limit_milliseconds)} (time to first token, {stage} {stages}, at worst "
            f"{duration(blind.worst_p95_milliseconds)})")


def _happened(found: Happened) -> str:
    peak = found.peak_requests_per_second
    load = "The load was one request" if found.request_count == 1 else \
        "" if peak is None else f"The load rose to {plural(peak, 'request')}/s"
    failed = found.failed_request_count
    lost = "" if not failed else f"{count(failed)} {'was' if failed == 1 else 'were'} not served"
    # Of one request, what it waited for says also whether it was served.
    parts = [load, _replicas(found), _waits(found), "" if found.request_count == 1 else lost]
    text = "; ".join(filter(None, parts))
    return text[:1].upper() + text[1:]


def _waits(found: Happened) -> str:
    """How long requests waited for their first token. One request has no percentile."""
    p95, requests = found.first_token_p95_milliseconds, count(found.request_count)
    if found.request_count == 1:
        end = " and it was not served to its end" if found.failed_request_count else ""
        return "it got no first token" if p95 is None else f"its first token came after {duration(p95)}{end}"
    if p95 is None:
        return f"no request got a first token, of {requests}"
    slow = f"{count(found.slow_count)} of {requests} requests waited more than {bound(found.slow_milliseconds)} for it"
    never = " or never got it" if found.failed_request_count else ""
    return f"p95 of the first token was {duration(p95)}, and {slow}{never}"


def _replicas(found: Happened) -> str:
    if found.scale_out_count is None or found.peak_replicas is None:
        return ""
    peak = found.peak_replicas
    most = f"{plural(peak, 'replica')} {'was' if peak == 1 else 'were'} Ready"
    if found.scale_out_count == 0:
        return f"there was no scale-out, and {f'at most {most}' if peak else 'no replica was Ready'}"
    outs = plural(found.scale_out_count, "scale-out")
    if found.first_replicas is not None and peak <= found.first_replicas:
        return f"in spite of {outs}, {f'never more than {most}' if peak else 'no replica became Ready'}"
    first = "" if found.first_replicas is None else f" from {count(found.first_replicas)}"
    lag = "" if found.scale_out_lag_milliseconds is None else \
        f", with {duration(found.scale_out_lag_milliseconds)} from decision to Ready (median)"
    return f"the Ready replicas rose{first} to {count(peak)} in {outs}{lag}"


def _cost(found: Cost) -> str:
    parts = [] if found.paid_replica_seconds is None else [_paid(found, found.paid_replica_seconds)]
    parts += [f"{share:.0f} % {name}" for share, name in (
        (found.idle_percent, "idle"), (found.starting_percent, "starting")) if share is not None]
    parts += [] if found.money is None else [f"{amount(found.money)} {found.currency or ''}".rstrip()]
    text = f"It took {', '.join(parts)}" if parts else ""
    users = [] if found.miss_seconds is None else [
        f"in {found.miss_seconds} of {found.load_seconds:.0f} s at least one request missed an objective of the test"]
    if found.missing_replicas is not None and found.undecided_replicas is not None:
        users.append(_missing(found.missing_replicas, found.undecided_replicas))
    text = "; ".join(filter(None, (text, *users)))
    return text[:1].upper() + text[1:]


def _missing(missing: float, undecided: float) -> str:
    """Replicas and not a share of them: "0.42 of the replicas" reads as 42 %."""
    if missing < LEAST_MISSING:
        return "no demanded replica was missing"
    return f"on average {missing:.2f} demanded replicas were missing, {min(undecided, missing):.2f} of these because " \
           "they had not been ordered"


def _paid(found: Cost, replica_seconds: float) -> str:
    gpu_seconds = found.paid_gpu_seconds
    amount = f"{count(gpu_seconds)} GPU-seconds" if gpu_seconds else f"{count(replica_seconds)} replica-seconds"
    if found.static_maximum_percent is None or found.maximum_replicas is None:
        return amount
    fixed = "one fixed replica takes" if found.maximum_replicas == 1 else \
        f"a fixed {plural(found.maximum_replicas, 'replica')} take"
    return f"{amount} ({found.static_maximum_percent:.0f} % of what {fixed})"


def _worst_minute(found: WorstMinute, is_blind: bool) -> str:
    # Where the advice counts by one objective more, these are others.
    whose = " by the test's own objectives" if is_blind else ""
    parts = [] if found.miss_seconds is None else [f"{plural(found.miss_seconds, 'objective-miss second')}{whose}"]
    p95 = found.first_token_p95_milliseconds
    requests = plural(found.request_count, "request")
    parts.append(f"{requests} without a first token" if p95 is None else
                 f"one request, first token after {duration(p95)}" if found.request_count == 1 else
                 f"p95 of the first token {duration(p95)} over {requests}")
    if found.ready_low is not None and found.ready_high is not None:
        span = plural(found.ready_high, "replica") if found.ready_low == found.ready_high else \
            f"{count(found.ready_low)} to {count(found.ready_high)} replicas"
        demand = "" if found.demanded is None else f" against {found.demanded:.1f} demanded"
        parts.append(f"{span} Ready{demand}")
    if found.wanted is not None:
        held = "" if found.held_by is None else f", limited most often by: {found.held_by}"
        parts.append(f"the metrics asked for up to {count(found.wanted)}{held}")
    length = found.end_seconds - found.start_seconds
    name = "The worst minute" if length == 60 else f"The {length:.0f} s of the load"
    return f"{name}, {seconds_text(found.start_seconds)} to {seconds_text(found.end_seconds)}: {'; '.join(parts)}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))
