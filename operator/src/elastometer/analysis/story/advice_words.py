"""What would help most, as one sentence: the change, what it is predicted to do, and how far off that may be."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from elastometer.model.in_words import bound, count, duration
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
OWN_ERROR = ", the twin's own error on this run"
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
    return text + _without_starts(advice) + _judged(advice) + _more_replicas(advice)


def _what_if(advice: Advice) -> str:
    changes = " and ".join(change_words(change) for change in advice.changes)
    held = "" if not advice.draws else f"; all objectives hold in {advice.held} of {advice.draws} predictions"
    return f"What would help most: {changes}; predicted {_effects(advice)}{held}{_judged(advice)}" \
           f"{_more_replicas(advice)}"


def _judged(advice: Advice) -> str:
    """The objective that the test lacks, and by which the advice is judged too: the sentence about the cost is not."""
    found = advice.proposed
    return "" if found is None else (
        "; these seconds and predictions are judged also by an objective that the test lacks, first token "
        f"p{found.percentile} within {bound(found.maximum_milliseconds or 0)}")


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure of the advice: its effect, how its values are printed, and its name before or after them."""

    effect: Effect
    shown: Callable[[float], str]
    before: str
    after: str

    @property
    def name(self) -> str:
        """Without values."""
        return (self.before + self.after).strip()

    @property
    def error(self) -> str:
        """The twin's own error."""
        return f"± {self.shown(self.effect.plus_minus)}"

    @property
    def is_beyond_error(self) -> bool:
        """Whether the effect is larger than the twin's own error."""
        return abs(self.effect.measured - self.effect.predicted) > self.effect.plus_minus

    def words(self, more: str) -> str:
        """Both values and the error, of which `more` is said."""
        values = f"{self.shown(self.effect.predicted)} instead of {self.shown(self.effect.measured)}"
        return f"{self.before}{values}{self.after} ({self.error}{more})"


def _effects(advice: Advice) -> str:
    """The effects that the twin can tell from its own error, with it; of the others only that it cannot."""
    unit = " GPU-seconds" if advice.has_gpus else " replica-seconds"
    misses, p95 = " objective-miss seconds", "p95 of the first token "
    made = ((advice.miss_seconds, count, "", misses), (advice.first_token_p95_milliseconds, duration, p95, ""),
            (advice.cost, count, "", unit))
    found = [_Figure(effect, shown, before, after) for effect, shown, before, after in made if effect is not None]
    beyond = [one.words(OWN_ERROR if place == 0 else "")
              for place, one in enumerate(one for one in found if one.is_beyond_error)]
    within = [f"{one.name} ({one.error})" for one in found if not one.is_beyond_error]
    hidden = f"the effect on {' and on '.join(within)} is within the twin's own error"
    return "; ".join([*([", ".join(beyond)] if beyond else []), *([hidden] if within else [])])


def _more_replicas(advice: Advice) -> str:
    more = advice.more_replicas
    if more is None:
        return ""
    return f"; for all objectives it takes more replicas: `maxReplicas` {more.maximum} or more, predicted to hold in " \
           f"{more.held} of {advice.draws}"


def _without_starts(advice: Advice) -> str:
    """Both numbers are predicted: what was measured differs by more than the cold start, by the twin's error too."""
    left, recorded = advice.instant_start_miss_seconds, advice.recorded_miss_seconds
    # By chance there may be more, which says nothing about the cold start.
    if left is None or recorded is None or left >= recorded:
        return ""
    return f"; if replicas started at once, the twin predicts {count(left)} objective-miss seconds instead of " \
           f"{count(recorded)}"


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
