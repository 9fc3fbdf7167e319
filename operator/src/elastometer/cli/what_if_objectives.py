"""`--objective`: what a run is judged by, where its own objectives say too little."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import yaml

from elastometer.cli.exits import CliError, Exit
from elastometer.model.bundle import Bundle
from elastometer.model.terms import Indicator, Objective, Terms, terms_from

_FIELDS = ("name", "indicator", "percentile", "maximumMilliseconds", "minimumPercent", "stageName")


def judged_by(bundle: Bundle, texts: Sequence[str]) -> Bundle:
    """The bundle with these objectives instead of its own; unchanged where none is given."""
    if not texts:
        return bundle
    objectives = tuple(_objective(number, text, bundle.terms) for number, text in enumerate(texts, 1))
    return replace(bundle, terms=replace(bundle.terms, objectives=objectives))


def _objective(number: int, text: str, terms: Terms) -> Objective:
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _flaw("must be YAML", text) from error
    if not isinstance(given, dict) or (strange := sorted(set(map(str, given)) - set(_FIELDS))):
        what = f", has {', '.join(strange)}" if isinstance(given, dict) else ""
        raise _flaw(f"must be an entry of spec.objectives with {', '.join(_FIELDS)}{what}", text)
    known = [one.value for one in Indicator]
    if given.get("indicator") not in known:
        raise _flaw(f"indicator must be one of {', '.join(known)}", text)
    _check_bound(given, text)
    stages = [stage.name for stage in terms.stages]
    if given.get("stageName") is not None and given["stageName"] not in stages:
        raise _flaw(f"stageName must be one of {', '.join(stages)}", text)
    named = {"name": f"objective-{number}", **given}
    return terms_from({"spec": {"objectives": [named]}}).objectives[0]


def _check_bound(given: dict[str, Any], text: str) -> None:
    bound = "minimumPercent" if given["indicator"] == Indicator.REQUEST_SUCCESS else "maximumMilliseconds"
    for name, low, high in ((bound, 0 if bound == "minimumPercent" else 1, 100 if bound == "minimumPercent" else None),
                            ("percentile", 1, 100)):
        value = given.get(name, 95 if name == "percentile" else None)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < low or (high is not None and value > high):
            limit = f"from {low} to {high}" if high is not None else f"of at least {low}"
            raise _flaw(f"{name} must be a whole number {limit}", text)


def _flaw(rule: str, text: str) -> CliError:
    return CliError(Exit.SPEC_OR_USAGE, f"--objective: {rule}, is {text!r}",
                    "  as in: --objective '{indicator: TimeToFirstToken, percentile: 95, maximumMilliseconds: 2000}'")
