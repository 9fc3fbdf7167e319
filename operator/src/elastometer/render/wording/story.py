"""The first screen in words: the sections that a sentence points to, the objectives at a glance, the advice as rows."""
from __future__ import annotations

from collections.abc import Callable, Mapping

from elastometer.model.in_words import plural
from elastometer.model.report import Report, Verdict
from elastometer.model.story import Advice, Anchor, Effect
from elastometer.render.wording import numbers

ANCHOR_NAMES: Mapping[Anchor, str] = {
    Anchor.CHARTS: "charts", Anchor.FINDINGS: "findings", Anchor.AUTOSCALER: "autoscaler",
    Anchor.COLD_STARTS: "cold starts", Anchor.SCALE_EVENTS: "scale events", Anchor.LOAD: "load", Anchor.PRICE: "price",
    Anchor.ELASTICITY: "elasticity",
    Anchor.ADVICE: "the change to try", Anchor.LEVELS: "levels", Anchor.BY_INPUT: "by input",
    Anchor.ERRORS_IN_TIME: "errors in time", Anchor.MEMORY: "memory", Anchor.SATURATION: "saturation",
    Anchor.ISOLATION: "isolation", Anchor.ANSWERS: "answers", Anchor.ANSWER_ENDS: "how answers ended",
    Anchor.STRUCTURED: "structured answers", Anchor.RECALL: "recall", Anchor.HEALTH: "health",
    Anchor.SCALE_OUT_GAINS: "what each scale-out brought", Anchor.FIRST_STARTS: "first and later starts",
    Anchor.WARM_SPARES: "warm spares", Anchor.WHAT_IF: "what if", Anchor.UNDER_TEST: "under test",
}


def objectives_met(report: Report) -> str:
    """How many objectives are met, and the names of the others."""
    others = [f"{one.name} ({one.verdict.value})" for one in report.objectives if one.verdict is not Verdict.PASS]
    met = f"{len(report.objectives) - len(others)} of {plural(len(report.objectives), 'objective')} met"
    return f"{met}; not {', '.join(others)}" if others else met


def advice_rows(advice: Advice) -> list[tuple[str, str, str, str, str]]:
    """(figure, measured, predicted, lowest and highest, ±) of every figure that was predicted."""
    unit = "GPU-seconds" if advice.has_gpus else "replica-seconds"
    figures: list[tuple[str, Effect | None, Callable[[float], str]]] = [
        ("objective-miss seconds", advice.miss_seconds, numbers.number),
        ("p95 of the first token", advice.first_token_p95_milliseconds, numbers.duration),
        (unit, advice.cost, numbers.number)]
    return [(name, shown(one.measured), shown(one.predicted), f"{shown(one.low)} to {shown(one.high)}",
             shown(one.plus_minus)) for name, one, shown in figures if one is not None]
