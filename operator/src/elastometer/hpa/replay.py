"""Decides a recording again: how often the model agrees with what was observed, and where it first differs."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elastometer.hpa.decision import Decision
from elastometer.hpa.recording import Observed, ObservedAccount, RecordedSync, Recording
from elastometer.hpa.state import State, restarted
from elastometer.hpa.step import step


@dataclass(frozen=True, slots=True)
class Agreement:
    """`same` of the `of` syncs for which a part was observed came out the same."""

    same: int
    of: int


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first sync at which something observed differs from the model; `parts` names what."""

    index: int
    sync: RecordedSync
    decision: Decision
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """`decisions[i]` is what the model decided at sync i. `agreement` is by part: decisions, conditions, events and
    accounts, as far as the recording has them."""

    decisions: tuple[Decision, ...]
    agreement: Mapping[str, Agreement]
    divergence: Divergence | None


DECISIONS, CONDITIONS, EVENTS, ACCOUNTS = "decisions", "conditions", "events", "accounts"
PARTS = (DECISIONS, CONDITIONS, EVENTS, ACCOUNTS)


def replay(recording: Recording, state: State | None = None) -> Replay:
    """Decides every sync from its recorded input: a decision of the model does not change what it sees next."""
    state = state or State()
    decisions: list[Decision] = []
    same, of = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0)
    first: Divergence | None = None
    for index, sync in enumerate(recording.syncs):
        if sync.restarted:
            state = restarted(state)
        # The model's state is kept even after a miss: a trace is replayed from its inputs alone.
        state, decision = step(state, recording.spec, sync.input)
        decisions.append(decision)
        agrees = compare(sync.observed, decision)
        for part, yes in agrees.items():
            of[part] += 1
            same[part] += yes
        if first is None and not all(agrees.values()):
            first = Divergence(index, sync, decision, tuple(part for part, yes in agrees.items() if not yes))
    return Replay(tuple(decisions), {part: Agreement(same[part], of[part]) for part in PARTS}, first)


def compare(observed: Observed, decision: Decision) -> dict[str, bool]:
    """Whether each part agrees; a part that was not observed is left out."""
    agrees: dict[str, bool] = {}
    if observed.desired is not None:
        agrees[DECISIONS] = observed.desired == decision.desired and observed.rescaled in (None, decision.rescaled)
    if observed.conditions is not None:
        agrees[CONDITIONS] = observed.conditions == decision.conditions
    if observed.events is not None:
        agrees[EVENTS] = observed.events == decision.events
    if observed.account is not None:
        agrees[ACCOUNTS] = observed.account == account_as_observed(decision)
    return agrees


def account_as_observed(decision: Decision) -> ObservedAccount:
    """The part of the model's account that can be observed of the real controller."""
    account = decision.account
    values = tuple(proposal.value for proposal in account.proposals)
    return ObservedAccount(
        account.raw, decision.status_desired, values if any(value is not None for value in values) else ())
