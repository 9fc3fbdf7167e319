"""The account of one decision, for people and for programs."""
from __future__ import annotations

import math
from typing import Any

from elastometer.hpa.decision import Account, Constraint, Proposal
from elastometer.hpa.recording import RecordedSync

# What the reasons of the conditions let us know of the real controller's account; a limit binds after a window.
_BOUND_BY = {
    "ScalingDisabled": Constraint.DISABLED, "ScaleUpLimit": Constraint.POLICY, "ScaleDownLimit": Constraint.POLICY,
    "TooManyReplicas": Constraint.MAXIMUM, "TooFewReplicas": Constraint.MINIMUM,
    "ScaleUpStabilized": Constraint.STABILIZATION, "ScaleDownStabilized": Constraint.STABILIZATION,
}


def observed_rows(sync: RecordedSync) -> dict[str, str]:
    """The real controller's account as far as its conditions tell it; they do not tell the metrics' proposals."""
    reasons = {condition.reason for condition in (sync.observed.conditions or {}).values()}
    failed = sorted(reason for reason in reasons if reason.startswith("FailedGet"))
    bound = failed or [str(word) for reason, word in _BOUND_BY.items() if reason in reasons]
    return {"replicas before": str(sync.look.spec_replicas), **({"bound by": bound[0]} if bound else {})}


def account_rows(account: Account) -> list[tuple[str, str]]:
    """Label and text, from the replicas before to what bound the decision."""
    rows = [("replicas before", str(account.current))]
    rows += [(f"metric {one.metric}: {one.name}", proposal_in_words(one)) for one in account.proposals]
    if account.wanted is not None:
        rows.append(("bare ratios ask for", str(account.wanted)))
    if account.raw is not None:
        rows.append(("metrics propose", str(account.raw)))
    rows += [(f"after {one.constraint}", f"{one.before} -> {one.after}") for one in account.reductions]
    rows.append(("bound by", str(account.binding)))
    return rows


def proposal_in_words(proposal: Proposal) -> str:
    """`ratio 1.5 -> 3 (bare 4), MissingPods; Pods: ready 2, unready 0, missing 1, ignored 0`."""
    if proposal.error is not None:
        return proposal.error
    groups = (proposal.ready_pods, proposal.unready_pods, proposal.missing_pods, proposal.ignored_pods)
    text = f"value {proposal.value}, ratio {proposal.ratio:.6g} -> {proposal.replicas} (bare {proposal.bare})"
    if proposal.replicas != proposal.bare:
        text += f", {proposal.constraint}"
    if any(groups):
        text += "; Pods: ready {}, unready {}, missing {}, ignored {}".format(*groups)
    return text


def account_json(account: Account) -> dict[str, Any]:
    """The whole account; what could not be told is null."""
    return {
        "current": account.current, "wanted": account.wanted, "raw": account.raw, "metric": account.metric,
        "binding": account.binding, "proposals": [_proposal_json(one) for one in account.proposals],
        "reductions": [
            {"constraint": one.constraint, "before": one.before, "after": one.after} for one in account.reductions],
    }


def _proposal_json(one: Proposal) -> dict[str, Any]:
    ratio = one.ratio if one.ratio is not None and math.isfinite(one.ratio) else None
    return {
        "metric": one.metric, "name": one.name, "value": one.value, "ratio": ratio, "bare": one.bare,
        "replicas": one.replicas, "readyPods": one.ready_pods, "unreadyPods": one.unready_pods,
        "missingPods": one.missing_pods, "ignoredPods": one.ignored_pods, "constraint": one.constraint,
        "error": one.error,
    }
