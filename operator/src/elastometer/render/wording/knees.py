"""A Knee as text: one place for HTML and Markdown."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.knee import Knee, KneeEnding, KneeStep
from elastometer.render.wording import estimates, numbers

SOURCE = "steps as the load generator judged them, by its clock; fewest and most Ready replicas, by the watch"
HEAD = ("Step", "From", "To", "Ready", "Requests", "Success", "TTFT p95", "Result")
_UNITS = {"Users": "users", "Rate": "requests/s"}


def amount(knee: Knee, value: int) -> str:
    """20 users, 5 requests/s."""
    return f"{numbers.number(value)} {_UNITS.get(knee.of, knee.of)}"


def ready(step: KneeStep) -> str:
    """The fewest and the most."""
    if step.ready_minimum is None or step.ready_maximum is None:
        return numbers.DASH
    span = "" if step.ready_minimum == step.ready_maximum else f"–{step.ready_maximum}"
    return f"{step.ready_minimum}{span}" + (f" ({step.note})" if step.note else "")


def result(step: KneeStep) -> str:
    """Whether it held, or what did not, with both numbers, or why it could not be judged."""
    if step.failed is not None:
        return f"failed: {step.failed}"
    return "held" if step.inconclusive is None else f"could not be judged: {step.inconclusive}"


def rows(knee: Knee) -> list[tuple[str, KneeStep]]:
    """(what it is called, the step), the soak last."""
    steps = [(amount(knee, step.value), step) for step in knee.steps]
    return steps + ([] if knee.soak is None else [(f"soak at {amount(knee, knee.soak.value)}", knee.soak)])


def cells(name: str, step: KneeStep) -> list[str]:
    """In the order of HEAD."""
    return [name, f"{step.start_seconds:+.1f} s", f"{step.end_seconds:+.1f} s", ready(step), numbers.number(step.count),
            numbers.number(step.success_percent, 2, " %"),
            estimates.enough(step.count, 95, step.time_to_first_token_p95_milliseconds), result(step)]


def sentence(knee: Knee) -> str:
    """The last good step with its Ready replicas, where the knee lies, and how the soak ended."""
    return " ".join((*_found(knee), _soak(knee), *_accounts(knee)))


def _found(knee: Knee) -> Iterator[str]:
    best = next((step for step in reversed(knee.steps) if step.value == knee.good), None)
    if best is not None:
        there = "" if best.ready_minimum is None else f" with {ready(best)} Ready"
        yield f"The last good step is {amount(knee, best.value)}{there}."
    elif knee.steps:
        yield "No step held."
    match knee.ending:
        case KneeEnding.STEP_FAILED:
            if best is None:
                yield "The knee lies below the first step."
        case KneeEnding.ALL_HELD:
            yield "No step failed: the knee lies beyond the last step."
        case KneeEnding.STEP_INCONCLUSIVE:
            yield f"The knee was not found: the step at {amount(knee, knee.steps[-1].value)} could not be judged."
        case KneeEnding.STOPPED:
            short = "" if knee.maximum is None else f" of {amount(knee, knee.maximum)}"
            since = "any step had ended" if not knee.steps else f"its last step{short}"
            yield f"The knee was not found: the search was stopped before {since}."
        case KneeEnding.UNKNOWN:
            yield "No step failed; whether the search reached its last step is not known."


def _accounts(knee: Knee) -> Iterator[str]:
    if knee.interrupted:
        held = ", ".join(amount(knee, value) for value in knee.interrupted)
        yield f"A restart of the worker interrupted {held}, which was repeated."
    if knee.further_accounts:
        yield f"Shorter reports by other incarnations of its worker, left out: {knee.further_accounts}."


def _soak(knee: Knee) -> str:
    if knee.soak is None:
        return "There was no soak."
    length = numbers.duration(1000 * (knee.soak.end_seconds - knee.soak.start_seconds))
    return f"The soak of {length} {result(knee.soak)}."
