"""The verdict as JUnit XML: one test case per objective.

Fail is a failure. Inconclusive is an error and not a skip: CI systems show skipped cases as good, and a run without a
verdict is not good. A load that was not delivered as specified is an error in a separate case, since it invalidates
every objective.
"""
from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.price import Price
from elastometer.model.reasons import OBJECTIVES_UNCERTAIN
from elastometer.model.report import Report, Verdict
from elastometer.render.wording import answers, prices

# XML 1.0 allows no control characters, not even as references.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> bytes:
    """One suite named after the test."""
    mark = "" if report.predicted is None else "predicted: "
    suite = Element("testsuite", name=clean(f"{mark}{report.namespace}/{report.test}"),
                    timestamp=report.load_start or "")
    if report.predicted is not None:
        _basis(suite, report.predicted)
    _answers(suite, report)
    _price(suite, report.price)
    where = f"elastometer.{report.namespace}.{report.test}"
    for result in report.objectives:
        case = SubElement(suite, "testcase", classname=clean(where), name=clean(result.name))
        if result.verdict is Verdict.FAIL:
            add_outcome(case, "failure", result.indicator, result.message)
        elif result.verdict is not Verdict.PASS:
            add_outcome(case, "error", result.verdict.value, result.message)
        SubElement(case, "system-out").text = clean(mark + result.message)
    _whole_run(suite, where, report)
    if report.story.sentences:
        SubElement(suite, "system-out").text = clean("\n".join(f"{mark}{one.text}." for one in report.story.sentences))
    return suite_bytes(suite)


def suite_bytes(suite: Element) -> bytes:
    """The document of a suite, with its test cases counted."""
    _count(suite)
    indent(suite)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + str(tostring(suite, encoding="unicode")) + "\n").encode()


def _basis(suite: Element, basis: PredictionBasis) -> None:
    properties = SubElement(suite, "properties")
    rows = (("predicted", basis.tool), ("capacity", basis.capacity), ("coldStarts", basis.cold_starts),
            ("seed", str(basis.seed)))
    for name, value in rows:
        SubElement(properties, "property", name=name, value=clean(value))


def _answers(suite: Element, report: Report) -> None:
    """A check without an objective fails nothing but is reported as well."""
    totals = answers.totals(report.answers)
    if totals:
        properties = SubElement(suite, "properties")
        for row in totals:
            value = answers.total_sentence(row)
            SubElement(properties, "property", name=clean(f"answers.{row.check}"), value=clean(value))


def _price(suite: Element, price: Price | None) -> None:
    """What the run cost, so that CI can show it over time."""
    rows = prices.summary_rows(price)
    if rows:
        properties = SubElement(suite, "properties")
        for name, value in rows:
            SubElement(properties, "property", name=clean(f"price.{name}"), value=clean(value))


def _whole_run(suite: Element, where: str, report: Report) -> None:
    """What no single objective says: that there was none, or that the load was not delivered as specified."""
    if report.verdict is Verdict.NOT_JUDGED:
        case = SubElement(suite, "testcase", classname=clean(where), name="objectives")
        SubElement(case, "skipped", message=clean(report.verdict_message))
    elif report.verdict is Verdict.INCONCLUSIVE and report.verdict_reason != OBJECTIVES_UNCERTAIN:
        case = SubElement(suite, "testcase", classname=clean(where), name="load")
        add_outcome(case, "error", report.verdict_reason, report.verdict_message)


def add_outcome(case: Element, tag: str, kind: str, message: str) -> None:
    """A failure, an error or a skip of a test case."""
    SubElement(case, tag, type=clean(kind), message=clean(message))


def _count(suite: Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))


def clean(text: str) -> str:
    """Text that XML can hold."""
    return _FORBIDDEN.sub("\ufffd", text)
