"""The finding that requests waited on one replica while others had free slots."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import Span
from elastometer.analysis.evidence.slots import Slots, slots_of
from elastometer.analysis.requests.backlog import PinnedBacklog, pinned_backlog
from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding
from elastometer.model.units import MILLISECOND, SECOND
from elastometer_loadgen.profile.profile import ConnectionPolicy

# Less than this is the usual spread of a balancer that does not know the queues.
LEAST_SECONDS, LEAST_REQUESTS = 5.0, 5
# With a smaller share of all waiting, the requests waited for a lack of replicas and not for a lack of balance.
GRAVE_SHARE = 0.2


def backlog_findings(evidence: Evidence, ready: Mapping[str, Sequence[Span]]) -> Iterator[Finding]:
    """Nothing is claimed where the slots of a replica are not known, or not which Pod got which request. `ready` has
    the times in which each Pod was Ready."""
    slots = slots_of(evidence)
    if slots is None or len(evidence.pods) < 2:
        return
    found = pinned_backlog(evidence.table, slots.number, ready)
    if found is None or found.seconds < LEAST_SECONDS or found.requests < LEAST_REQUESTS:
        return
    grave = found.beside_free_slots >= GRAVE_SHARE * found.waiting
    yield Finding(
        FindingName.BACKLOG_PINNED, Severity.PROBLEM if grave else Severity.WARNING,
        "Requests waited on one replica while others had free slots", _seen(found, slots, evidence),
        " ".join(_advice(found, evidence.terms.connection)))


def _seen(found: PinnedBacklog, slots: Slots, evidence: Evidence) -> str:
    first, last, count = evidence.seconds(found.first), evidence.seconds(found.last), len(evidence.requests)
    return (
        f"For {found.seconds:.0f} s between {first:+.0f} and {last:+.0f} s, requests waited on a replica while another "
        f"Ready one had free slots (each has {slots.number}: {slots.source}): up to {found.most_waiting} at once on "
        f"{found.pod}, beside up to {found.most_free} free slots. {found.requests} of {count} requests waited so for a "
        f"second or more; p95 of their first token is {_seconds(found.first_token_p95)}, that of all other requests "
        f"{_seconds(found.others_first_token_p95)}")


def _advice(found: PinnedBacklog, connection: str | None) -> Iterator[str]:
    rest = found.waiting - found.beside_free_slots
    yield (f"In all, requests waited {found.waiting:.0f} request-seconds in the queues of replicas. For "
           f"{found.beside_free_slots:.0f} of these a slot was free elsewhere, which a balancer that knows the queues "
           "would have used: `SpreadOverPods` in a test, for other clients a gateway that sends each request to the "
           "replica with the fewest in flight.")
    yield (f"With a queue limit of {found.slots} a replica, beyond which another one is tried, it would have used "
           f"{found.beyond_limit:.0f} of them.")
    if rest >= 1:
        yield (f"For the other {rest:.0f} no slot was free: only headroom helps those, such as a lower target of the "
               "metric or a higher minimum.")
    if connection in (ConnectionPolicy.REUSE, ConnectionPolicy.MAX_AGE):
        yield f"The load keeps its connections (`{connection}`), and all requests of one go to one replica."
    yield "`elastometer what-if BUNDLE --set balancing=LeastInFlight` predicts what it would change in all."


def _seconds(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return "not known"
    return f"{nanoseconds / SECOND:.1f} s" if nanoseconds >= SECOND else f"{nanoseconds / MILLISECOND:.0f} ms"
