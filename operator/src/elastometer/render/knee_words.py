"""A Knee as text: one place for HTML and Markdown."""
from __future__ import annotations

from elastometer.model.knee import Knee, KneeStep
from elastometer.render import words

SOURCE = "steps by the load generator's clock, which judged them; Ready replicas by the watch, fewest and most"
HEAD = ("Step", "From", "To", "Ready", "Requests", "Success", "TTFT p95", "Result")
_UNITS = {"Users": "users", "Rate": "requests/s"}


def amount(knee: Knee, value: int) -> str:
    """20 users, 5 requests/s."""
    return f"{words.number(value)} {_UNITS.get(knee.of, knee.of)}"


def ready(step: KneeStep) -> str:
    """The fewest and the most."""
    if step.ready_minimum is None or step.ready_maximum is None:
        return words.DASH
    span = "" if step.ready_minimum == step.ready_maximum else f"–{step.ready_maximum}"
    return f"{step.ready_minimum}{span}" + (f" ({step.note})" if step.note else "")


def result(step: KneeStep) -> str:
    """Held, or what did not, with both numbers."""
    return "held" if step.failed is None else f"failed: {step.failed}"


def rows(knee: Knee) -> list[tuple[str, KneeStep]]:
    """(what it is called, the step), the soak last."""
    steps = [(amount(knee, step.value), step) for step in knee.steps]
    return steps + ([] if knee.soak is None else [(f"soak at {amount(knee, knee.soak.value)}", knee.soak)])


def cells(name: str, step: KneeStep) -> list[str]:
    """In the order of HEAD."""
    return [name, f"{step.start_seconds:+.1f} s", f"{step.end_seconds:+.1f} s", ready(step), words.number(step.count),
            words.number(step.success_percent, 2, " %"), words.duration(step.time_to_first_token_p95_milliseconds),
            result(step)]


def sentence(knee: Knee) -> str:
    """The last good step, with the replicas that were there, and what became of the soak."""
    best = next((step for step in reversed(knee.steps) if step.value == knee.good), None)
    if knee.good is None or best is None:
        return "No step held: the knee lies below the first one, and there was no soak."
    there = "" if best.ready_minimum is None else f" with {ready(best)} Ready"
    top = " No step failed: the knee lies beyond the last one." if all(one.failed is None for one in knee.steps) else ""
    return f"The last good step is {amount(knee, knee.good)}{there}.{top} {_soak(knee)}"


def _soak(knee: Knee) -> str:
    if knee.soak is None:
        return "There was no soak."
    length = words.duration(1000 * (knee.soak.end_seconds - knee.soak.start_seconds))
    return f"The soak of {length} {result(knee.soak)}."
