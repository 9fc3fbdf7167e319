"""The account of one decision, for people and for programs."""
from __future__ import annotations

import math
from typing import Any

from elastometer.hpa.decision import Account, Constraint, Proposal
from elastometer.hpa.recording import RecordedSync

# The conditions are all that a real controller publishes about its account. In the order in which a limit overrides a
# window: the controller applies minReplicas and maxReplicas after stabilization, so the first match was binding.
_BOUND_BY = {
    "ScalingDisabled": Constraint.DISABLED, "ScaleUpLimit": Constraint.POLICY, "ScaleDownLimit": Constraint.POLICY,
    "TooManyReplicas": Constraint.MAXIMUM, "TooFewReplicas": Constraint.MINIMUM,
    "ScaleUpStabilized": Constraint.STABILIZATION, "ScaleDownStabilized": Constraint.STABILIZATION,
}


def observed_rows(sync: RecordedSync) -> dict[str, str]:
    """The real controller's account, as far as its conditions show it; they do not show the metrics' proposals."""
    reasons = {condition.reason for condition in (sync.observed.conditions or {}).values()}
    failed = sorted(reason for reason in reasons if reason.startswith("FailedGet"))
    bound = failed or [str(limit) for reason, limit in _BOUND_BY.items() if reason in reasons]
    return {"replicas before": str(sync.input.spec_replicas), **({"bound by": bound[0]} if bound else {})}


def account_rows(account: Account) -> list[tuple[str, str]]:
    """Label and text, from the replicas before to what bound the decision."""
    rows = [("replicas before", str(account.current))]
    rows += [(f"metric {metric.metric}: {metric.name}", proposal_in_words(metric)) for metric in account.proposals]
    if account.wanted is not None:
        rows.append(("unclamped ratios want", str(account.wanted)))
    if account.raw is not None:
        rows.append(("metrics propose", str(account.raw)))
    rows += [(f"after {step.constraint}", f"{step.before} -> {step.after}") for step in account.reductions]
    rows.append(("bound by", str(account.binding)))
    return rows


def proposal_in_words(proposal: Proposal) -> str:
    """`ratio 1.5 -> 3 (bare 4), MissingPods; Pods: ready 2, unready 0, missing 1, ignored 0`."""
    if proposal.error is not None:
        return proposal.error
    groups = (proposal.ready_pods, proposal.unready_pods, proposal.missing_pods, proposal.ignored_pods)
    text = f"value {proposal.value}, ratio {proposal.ratio:.6g} -> {proposal.replicas} (bare {proposal.unclamped})"
    if proposal.replicas != proposal.unclamped:
        text += f", {proposal.constraint}"
    if any(groups):
        text += "; Pods: ready {}, unready {}, missing {}, ignored {}".format(*groups)
    return text


def account_json(account: Account) -> dict[str, Any]:
    """The whole account; what is not known is null."""
    return {
        "current": account.current, "wanted": account.wanted, "raw": account.raw, "metric": account.metric,
        "binding": account.binding, "proposals": [_proposal_json(proposal) for proposal in account.proposals],
        "reductions": [
            {"constraint": reduction.constraint, "before": reduction.before, "after": reduction.after}
            for reduction in account.reductions
        ],
    }


def _proposal_json(proposal: Proposal) -> dict[str, Any]:
    # A target of zero makes the ratio infinite, which JSON cannot hold.
    ratio = proposal.ratio if proposal.ratio is not None and math.isfinite(proposal.ratio) else None
    return {
        "metric": proposal.metric, "name": proposal.name, "value": proposal.value, "ratio": ratio,
        "bare": proposal.unclamped, "replicas": proposal.replicas, "readyPods": proposal.ready_pods,
        "unreadyPods": proposal.unready_pods, "missingPods": proposal.missing_pods,
        "ignoredPods": proposal.ignored_pods, "constraint": proposal.constraint, "error": proposal.error,
    }
