"""The comparison as JUnit XML: one test case for each gate of each variant, and one for each variant's objectives.

A gate that regressed and a missed objective are failures. What is not known, and a variant of which no run could be
compared, is an error and not a skip: CI systems show skipped cases as good. Only a variant whose runs have no
objectives is skipped.
"""
from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from elastometer.model.comparison import Comparison, GateResult, GateState, VariantSummary
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.render.junit import add_outcome, clean, suite_bytes
from elastometer.render.study import tables
from elastometer.render.wording import numbers


def to_junit(comparison: Comparison) -> bytes:
    """One suite named after the study."""
    suite = Element("testsuite", name=clean(tables.name(comparison)))
    where = ".".join(filter(None, ("elastometer", comparison.namespace, comparison.study)))
    for gate in comparison.gates:
        _gate(suite, f"{where}.gates", gate)
    for one in comparison.variants:
        _objectives(suite, f"{where}.objectives", one, [
            run for run in comparison.runs if run.label.variant == one.name and not run.label.is_warmup])
    SubElement(suite, "system-out").text = clean("\n".join(
        [comparison.verdict_message, comparison.best.sentence, *comparison.sentences, *comparison.notes]))
    return suite_bytes(suite)


def _gate(suite: Element, where: str, gate: GateResult) -> None:
    case = SubElement(suite, "testcase", classname=clean(where), name=clean(f"{gate.measure} of {gate.variant}"))
    if gate.state is GateState.REGRESSED:
        add_outcome(case, "failure", gate.measure, gate.message)
    elif gate.state is GateState.CANNOT_TELL:
        add_outcome(case, "error", gate.state.value, gate.message)
    SubElement(case, "system-out").text = clean(gate.message)


def _objectives(suite: Element, where: str, one: VariantSummary, runs: list[RunFigures]) -> None:
    """All runs of a variant as one case; a run that failed decides it, then one that says nothing."""
    case = SubElement(suite, "testcase", classname=clean(where), name=clean(one.name))
    failed = [run for run in runs if run.verdict is Verdict.FAIL]
    unknown = [run for run in runs if run.verdict is None or run.verdict is Verdict.INCONCLUSIVE]
    if failed:
        add_outcome(case, "failure", Verdict.FAIL.value, _named(failed, len(runs), "missed its objectives"))
    elif unknown or not runs:
        add_outcome(case, "error", Verdict.INCONCLUSIVE.value, _named(unknown, len(runs), "has no verdict"))
    elif all(run.verdict is Verdict.NOT_JUDGED for run in runs):
        SubElement(case, "skipped", message=clean(_named(runs, len(runs), "has no objectives")))
    SubElement(case, "system-out").text = clean(tables.runs_line(one))


def _named(found: list[RunFigures], of: int, what: str) -> str:
    """`2 of 3 runs: queue-1 missed its objectives (message); ...`."""
    each = "; ".join(f"{run.label.run} {what} ({run.message or run.excluded or run.reason})" for run in found)
    return f"{len(found)} of {numbers.plural(of, 'run')}" + (each and f": {each}")
