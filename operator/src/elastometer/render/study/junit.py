"""The comparison as JUnit XML: one test case for each gate of each variant, and one for each variant's objectives.

Something is a failure or an error just where the verdict is not Pass, so that CI and the exit code agree. A gate that
regressed is a failure. Where there are gates, or one variant met all objectives, what the runs of the others missed is
stated and fails nothing; otherwise it is a failure. What is not known, and a variant of which no run could be compared,
is an error and not a skip: CI systems show skipped cases as good. A variant whose runs have no objectives is skipped.
"""
from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from elastometer.model.comparison import Comparison, GateResult, GateState, VariantSummary
from elastometer.model.in_words import plural
from elastometer.model.report import Verdict
from elastometer.model.run_figures import RunFigures
from elastometer.render.junit import add_outcome, clean, suite_bytes
from elastometer.render.study import tables, words


def to_junit(comparison: Comparison) -> bytes:
    """One suite named after the study."""
    suite = Element("testsuite", name=clean(tables.name(comparison)))
    where = ".".join(filter(None, ("elastometer", comparison.namespace, comparison.study)))
    for gate in comparison.gates:
        _gate(suite, f"{where}.gates", gate)
    decides = not comparison.gates and comparison.verdict is not Verdict.PASS
    for one in comparison.variants:
        _objectives(suite, f"{where}.objectives", one, [
            run for run in comparison.runs if run.label.variant == one.name and not run.label.is_warmup], decides)
    SubElement(suite, "system-out").text = clean("\n".join(
        map(words.stopped, (comparison.best.sentence, *tables.sentences(comparison), *comparison.notes))))
    return suite_bytes(suite)


def _gate(suite: Element, where: str, gate: GateResult) -> None:
    case = SubElement(suite, "testcase", classname=clean(where), name=clean(f"{gate.measure} of {gate.variant}"))
    if gate.state is GateState.REGRESSED:
        add_outcome(case, "failure", gate.measure, gate.message)
    elif gate.state is GateState.CANNOT_TELL:
        add_outcome(case, "error", gate.state.value, gate.message)
    SubElement(case, "system-out").text = clean(gate.message)


def _objectives(suite: Element, where: str, one: VariantSummary, runs: list[RunFigures], decides: bool) -> None:
    """All runs of a variant as one case; a run that failed decides it, then one that says nothing. `decides` says
    whether the verdict is by the objectives, and not Pass."""
    case = SubElement(suite, "testcase", classname=clean(where), name=clean(one.name))
    lines = [tables.runs_line(one)]
    failed = [run for run in runs if run.verdict is Verdict.FAIL]
    unknown = [run for run in runs if run.verdict is None or run.verdict is Verdict.INCONCLUSIVE]
    if failed or unknown or not runs:
        kind, verdict, what = ("failure", Verdict.FAIL, "missed its objectives") if failed else (
            "error", Verdict.INCONCLUSIVE, "has no verdict")
        message = _named(failed or unknown, len(runs), what)
        if decides:
            add_outcome(case, kind, verdict.value, message)
        else:
            lines.append(message)
    elif all(run.verdict is Verdict.NOT_JUDGED for run in runs):
        SubElement(case, "skipped", message=clean(_named(runs, len(runs), "has no objectives")))
    SubElement(case, "system-out").text = clean("\n".join(lines))


def _named(found: list[RunFigures], of: int, what: str) -> str:
    """`2 of 3 runs: queue-1 missed its objectives (message); ...`."""
    each = "; ".join(f"{run.label.run} {what} ({run.message or run.excluded or run.reason})" for run in found)
    return f"{len(found)} of {plural(of, 'run')}" + (each and f": {each}")
