"""`--objective`: objectives to judge a run by instead of its own."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import yaml

from elastometer.cli.base.exits import CliError, Exit
from elastometer.model.bundle import Bundle
from elastometer.model.objectives import NOT_PREDICTED
from elastometer.model.terms import Indicator, Objective, Terms, terms_from
from elastometer_loadgen.base.document import one_line, read_document
from elastometer_loadgen.base.fields import DECIMAL, unknown_field
from elastometer_loadgen.stages.objectives import DEFAULT_PERCENTILE, Statistic

_FIELDS = ("name", "indicator", "statistic", "percentile", "maximumMilliseconds", "minimumPercent", "stageName",
           "taskName")


def judged_by(bundle: Bundle, texts: Sequence[str]) -> Bundle:
    """The bundle with these objectives instead of its own; unchanged where none is given."""
    if not texts:
        return bundle
    objectives = tuple(_objective(number, text, bundle.terms) for number, text in enumerate(texts, 1))
    return replace(bundle, terms=replace(bundle.terms, objectives=objectives))


def _objective(number: int, text: str, terms: Terms) -> Objective:
    try:
        given = read_document(text)
    except (yaml.YAMLError, ValueError) as error:
        raise _flaw(f"must be YAML ({one_line(error)})", text) from error
    if not isinstance(given, dict):
        raise _flaw(f"must be an entry of spec.objectives with {', '.join(_FIELDS)}", text)
    unknown = [f"{name} {unknown_field(name, _FIELDS)}" for name in given if name not in _FIELDS]
    if unknown:
        raise _flaw("; ".join(unknown), text)
    known = [indicator.value for indicator in Indicator if indicator not in NOT_PREDICTED]
    if given.get("indicator") not in known:
        raise _flaw(f"indicator must be one of {', '.join(known)}", text)
    _check_bound(given, text)
    _check_statistic(given, text)
    stages = [stage.name for stage in terms.stages]
    if given.get("stageName") is not None and given["stageName"] not in stages:
        raise _flaw(f"stageName must be one of {', '.join(stages)}", text)
    named = {"name": f"objective-{number}", **given}
    return terms_from({"spec": {"objectives": [named]}}).objectives[0]


def _check_bound(given: dict[str, Any], text: str) -> None:
    if given["indicator"] == Indicator.REQUEST_SUCCESS:
        share = given.get("minimumPercent")
        if isinstance(share, str) and DECIMAL.fullmatch(share) and float(share) <= 100:
            return
        _require_whole(given, "minimumPercent", text, allowed=range(101), limit="from 0 to 100, or a decimal string")
    else:
        # 2^31: the CRD's field is an int32.
        _require_whole(given, "maximumMilliseconds", text, allowed=range(1, 1 << 31), limit="of at least 1")
    _require_whole({"percentile": DEFAULT_PERCENTILE, **given}, "percentile", text,
                   allowed=range(1, 101), limit="from 1 to 100")


def _check_statistic(given: dict[str, Any], text: str) -> None:
    statistic = given.get("statistic")
    if statistic is None:
        return
    if given["indicator"] == Indicator.REQUEST_SUCCESS:
        raise _flaw("statistic must be absent for a share", text)
    if statistic not in list(Statistic):
        raise _flaw(f"statistic must be one of {', '.join(Statistic)}", text)
    if statistic == Statistic.MEAN and "percentile" in given:
        raise _flaw("percentile must be absent where statistic is Mean", text)


def _require_whole(given: dict[str, Any], name: str, text: str, *, allowed: range, limit: str) -> None:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise _flaw(f"{name} must be a whole number {limit}", text)


def _flaw(rule: str, text: str) -> CliError:
    return CliError(Exit.SPEC_OR_USAGE, f"--objective: {rule}, is {text!r}",
                    "  as in: --objective '{indicator: TimeToFirstToken, percentile: 95, maximumMilliseconds: 2000}'")
