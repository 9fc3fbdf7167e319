"""What a search for better settings found, as sentences of the comparison: what is run and why, or why nothing is."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.model.in_words import plural
from elastometer.model.measures import MISS_SECONDS
from elastometer.model.tuning import TunedVariant, TuneOutcome, TuneResult


def search_sentences(found: TuneResult) -> Iterator[str]:
    """In the order of their importance."""
    match found.outcome:
        case TuneOutcome.CANNOT_TELL:
            yield f"no settings were searched: {found.reason}"
        case TuneOutcome.NOTHING_HELPS:
            yield found.reason
        case TuneOutcome.FOUND:
            yield f"the twin tried {plural(found.considered, 'setting')} within the same maximum and chose " \
                  f"{len(found.variants)} to be run: {', '.join(map(_named, found.variants))}"
            yield from _alike(found)


def _named(one: TunedVariant) -> str:
    changes = ", ".join(f"{change.path} from {change.before} to {change.after}" for change in one.changes)
    return f"{one.name} ({changes})"


def _alike(found: TuneResult) -> Iterator[str]:
    names = [one.name for one in found.variants if not one.apart]
    error = None if found.error is None else found.error.get(MISS_SECONDS)
    if names and error is not None:
        yield f"{', '.join(names)}: predicted to differ from the searched run, or from another variant, by no more " \
              f"than the twin's own error (± {error:,.0f} objective-miss seconds)"
