"""The Pods that scale-ins took away: every one, or of many those that stand out."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elastometer.model.in_words import plural
from elastometer.model.measurements import ScaleIn
from elastometer.render.many import MANY, SHOWN, SPREAD_HEAD, spread, spread_cells, standing_out
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import code, prose, section

_HEAD = ("Pod", "Event", "Deleted", "Drain", "In flight at deletion", "Sent after deletion", "Lost")


@dataclass(frozen=True, slots=True)
class Leaving:
    """`shown` are the Pods to list. Where they are not all, `sentence` says what they are, and `spread` how long all of
    them drained."""

    shown: tuple[ScaleIn, ...]
    sentence: str = ""
    spread: tuple[str, ...] = ()


def leaving_shown(pods: Sequence[ScaleIn]) -> Leaving:
    """Of many, those that lost most requests, and those with the longest drains, with no end or with a doubt."""
    if len(pods) <= MANY:
        return Leaving(tuple(pods))
    losers = [at for at, one in enumerate(pods) if one.lost]
    losers.sort(key=lambda at: (-sum(pods[at].lost.values()), at))
    kinds = standing_out(pods, lambda one: one.drain, "never gone")
    at = sorted({*losers[:SHOWN], *(at for kind in kinds for at in kind.at)})
    drain = spread("whole", "Drain", [one.drain.milliseconds for one in pods])
    return Leaving(tuple(pods[one] for one in at), _sentence(pods, len(losers), len(at)),
                   () if drain is None else tuple(spread_cells(drain)))


def _sentence(pods: Sequence[ScaleIn], losers: int, shown: int) -> str:
    lost = Counter[str]()
    for one in pods:
        lost.update(one.lost)
    flying, late = sum(one.in_flight for one in pods), sum(one.sent_after_deletion for one in pods)
    return (f"{len(pods):,} Pods were removed, with {plural(flying, 'request')} in flight at deletion and "
            f"{late:,} sent after it. {plural(losers, 'Pod')} lost requests: "
            f"{numbers.counts(dict(lost)) if lost else 'none'}. Listed are {shown}: those that lost most, those with "
            "the longest drains, and those that drained in doubt or without an end.")


def markdown(pods: Sequence[ScaleIn]) -> Iterator[str]:
    """The section."""
    found = leaving_shown(pods)
    yield from section("Scale-in", _HEAD, (
        [code(one.pod), str(one.scale_event or numbers.DASH), numbers.stamp(one.deleted),
         prose(numbers.figure(one.drain)), str(one.in_flight), str(one.sent_after_deletion), numbers.counts(one.lost)]
        for one in found.shown))
    if found.sentence:
        yield from ("", f"{found.sentence} All are in report.json.")
        yield from section("Drain", SPREAD_HEAD, [found.spread] if found.spread else [])
