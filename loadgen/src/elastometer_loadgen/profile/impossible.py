"""What makes a load impossible as a whole although each of its fields is right by itself. Faults are appended. Pure."""

from collections.abc import Sequence
from functools import reduce
from math import gcd

from elastometer_loadgen.base.fields import Fault, shown
from elastometer_loadgen.profile.offer import DEFAULT_MAX_REQUESTS, Offer, TaskOrder
from elastometer_loadgen.stages.stage import Stage

# 10 million arrivals take 80 MB; a profile that plans more is more likely a typing error than an intention.
MAX_ARRIVALS = 10_000_000
# The turns of the tasks are one list, which is computed before the run.
MAX_CYCLE = 10_000


def needs_one_worker(stages: Sequence[Stage]) -> str | None:
    """Why a load cannot be shared between workers, which do not communicate; None when it can."""
    for number, stage in enumerate(stages):
        if stage.one_worker_reason is not None:
            return stage.one_worker_reason
        if stage.is_open_ended and number < len(stages) - 1:
            return f"stage {stage.name} ends when its requests do, and only one worker knows when the next begins"
    return None


def check_task_names(offer: Offer, faults: list[Fault]) -> None:
    """Adds a fault for each name of a task in a stage that no task has."""
    known = [task.name for task in offer.tasks]
    for number, stage in enumerate(offer.stages):
        for place, name in enumerate(stage.tasks):
            if name and name not in known:
                rule = f"must be the name of a task, which are {', '.join(known)}; got {shown(name)}"
                faults.append(Fault(f"stages[{number}].tasks[{place}]", rule))


def check_cycles(offer: Offer, faults: list[Fault]) -> None:
    """Adds a fault where tasks take so long to come round that they are not taken in turn in any sense."""
    for stage in offer.stages if offer.task_order is TaskOrder.ALTERNATING else ():
        weights = [task.weight for task in offer.tasks_of(stage)]
        length = sum(weights) // reduce(gcd, weights, 0) if weights else 0
        if length > MAX_CYCLE:
            rule = (f"must be {TaskOrder.DRAWN} unless the tasks of each stage come round within {MAX_CYCLE} requests; "
                    f"those of stage {stage.name} take {length}, which is the sum of their weights; "
                    f"got {TaskOrder.ALTERNATING}")
            faults.append(Fault("taskOrder", rule))


def check_total(offer: Offer, faults: list[Fault]) -> None:
    """Adds a fault when a load plans nothing, or more than can be held in memory or than its own bound; traces must
    have been read before."""
    planned = offer.planned_requests
    if offer.most_requests == 0:
        faults.append(Fault("stages", "must plan at least one request; got rates of 0 throughout"))
    elif planned > MAX_ARRIVALS:
        faults.append(Fault("stages", f"must plan at most {MAX_ARRIVALS} requests; got about {planned}"))
    else:
        _check_bound(offer, faults)


def _check_bound(offer: Offer, faults: list[Fault]) -> None:
    """Adds a fault where the bound of the load stops it for certain."""
    planned, given, bound = offer.planned_requests, offer.given_maximum_requests, offer.maximum_requests
    for index, stage in enumerate(offer.stages):
        own = stage.requests(offer.turns_of(stage)) if offer.shares_bound(stage) else None
        if own is not None and own > bound:
            rule = f"must be at most the maximumRequests of the whole load, {bound}; got {own}"
            faults.append(Fault(f"stages[{index}].maximumRequests", rule))
    least = max((stage.least_requests(offer.turns_of(stage)) or 0 for stage in offer.stages), default=0)
    if bound >= planned + least:
        return
    of_users = f", and {least} for one conversation of each user" if least else ""
    got = f"it is absent, and then {DEFAULT_MAX_REQUESTS}" if given is None else f"got {given}"
    faults.append(Fault("maximumRequests", (
        f"must be at least {planned + least}: {planned} requests are planned in stages whose number of requests is "
        f"known{of_users}; {got}")))


def check_user_shares(offer: Offer, faults: list[Fault]) -> None:
    """Adds faults where a user may not send a complete conversation: it would never start one."""
    for index, stage in enumerate(offer.stages):
        turns = offer.turns_of(stage).most
        if turns > 1 and (refusal := stage.conversation_refusal(turns)) is not None:
            faults.append(Fault(f"stages[{index}].{refusal.field}", refusal.rule))
