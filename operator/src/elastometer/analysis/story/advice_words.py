"""What would help most, as one sentence: the change, what it is predicted to do, and how far off that may be."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from elastometer.analysis.story.figures import count, milliseconds
from elastometer.model.story import Advice, AdviceSource, Anchor, Change, Effect, Sentence, SentenceKind

# (part of a path, its name, the verbs for a larger and for a smaller value, unit)
_NAMES: Sequence[tuple[str, str, str, str, str]] = (
    ("scaleUp.stabilizationWindowSeconds", "scale-up stabilization window", "lengthen", "shorten", " s"),
    ("scaleDown.stabilizationWindowSeconds", "scale-down stabilization window", "lengthen", "shorten", " s"),
    ("scaleUp.policies", "scale-up policies", "change", "change", ""),
    ("scaleDown.policies", "scale-down policies", "change", "change", ""),
    ("scaleUp.tolerance", "scale-up tolerance", "raise", "lower", ""),
    ("scaleDown.tolerance", "scale-down tolerance", "raise", "lower", ""),
    ("pollingInterval", "polling interval", "lengthen", "shorten", " s"),
)
_COUNTS: Mapping[str, str] = {"minReplicas": "minReplicas", "minReplicaCount": "minReplicaCount"}


def advice_sentence(advice: Advice) -> Sentence:
    """The sentence for each source of advice."""
    made: Mapping[AdviceSource, Callable[[Advice], str]] = {
        AdviceSource.WHAT_IF: _what_if, AdviceSource.FINDING: _finding, AdviceSource.NONE: _none}
    anchor = Anchor.FINDINGS if advice.basis is AdviceSource.FINDING else Anchor.ADVICE
    return Sentence(SentenceKind.HELP, made[advice.basis](advice), (anchor,))


def _finding(advice: Advice) -> str:
    return f"What would help most, by the findings: {advice.text} (No what-if: {advice.reason})"


def _none(advice: Advice) -> str:
    text = f"What would help most is not known: {advice.reason}" if advice.draws == 0 else \
        f"{(advice.reason or '')[:1].upper()}{(advice.reason or '')[1:]}"
    return text + _without_starts(advice) + _more_replicas(advice)


def _what_if(advice: Advice) -> str:
    changes = " and ".join(change_words(change) for change in advice.changes)
    held = "" if not advice.draws else f"; all objectives hold in {advice.held} of {advice.draws} predictions"
    judged = "" if advice.proposed is None else \
        f", judged also by first token p{advice.proposed.percentile} within " \
        f"{milliseconds(advice.proposed.maximum_milliseconds or 0)}"
    return f"What would help most: {changes}; predicted {_effects(advice)}{held}{judged}{_more_replicas(advice)}"


def _effects(advice: Advice) -> str:
    parts = []
    if advice.miss_seconds is not None:
        parts.append(_effect(advice.miss_seconds, count, " objective-miss seconds"))
    if advice.first_token_p95_milliseconds is not None:
        parts.append("p95 of the first token " + _effect(advice.first_token_p95_milliseconds, milliseconds, ""))
    if advice.cost is not None:
        parts.append(_effect(advice.cost, count, " GPU-seconds" if advice.has_gpus else " replica-seconds"))
    # Said once, where the first ± stands.
    first, *rest = parts
    return ", ".join([first.replace(")", ", the twin's own error on this run)", 1), *rest])


def _effect(effect: Effect, shown: Callable[[float], str], unit: str) -> str:
    return f"{shown(effect.predicted)} instead of {shown(effect.measured)}{unit} (± {shown(effect.plus_minus)})"


def _more_replicas(advice: Advice) -> str:
    more = advice.more_replicas
    if more is None:
        return ""
    return f"; for all objectives it takes more replicas: `maxReplicas` {more.maximum} or more, predicted to hold in " \
           f"{more.held} of {advice.draws}"


def _without_starts(advice: Advice) -> str:
    left = advice.instant_start_miss_seconds
    # Chance may leave more than were measured, which says nothing about the cold start.
    if left is None or advice.miss_seconds is None or left >= advice.miss_seconds.measured:
        return ""
    return f"; if replicas started at once, {left} of the {advice.miss_seconds.measured:.0f} objective-miss seconds " \
           "would be left (predicted)"


def change_words(change: Change) -> str:
    """The change in words, with its path."""
    for part, name, more, less, unit in _NAMES:
        if change.path.endswith(part):
            verb = more if _is_more(change) else less
            return f"{verb} the {name} (`{change.path}`) from {change.before}{unit} to {change.after}{unit}"
    verb = "raise" if _is_more(change) else "lower"
    if change.path in _COUNTS:
        return f"{verb} `{change.path}` from {change.before} to {change.after}"
    return f"{verb} the target (`{change.path}`) from {change.before} to {change.after}"


def _is_more(change: Change) -> bool:
    try:
        return float(change.after) > float(change.before)
    except ValueError:
        return False
