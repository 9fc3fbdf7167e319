"""A gate's answer as Markdown, JUnit XML and JSON."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement

import orjson

from elastometer.model.comparison import GateState
from elastometer.model.gating import GateAnswer, GateGroup
from elastometer.render.gate import rows
from elastometer.render.json_report import plain
from elastometer.render.junit import add_outcome, clean, suite_bytes
from elastometer.render.wording.tables import code, prose, table


def gate_markdown(answer: GateAnswer, spec: str, live_run: Sequence[str]) -> str:
    """For a comment on a pull request. `live_run` are the commands that decide what the twin cannot tell."""
    return "\n".join(_lines(answer, spec, live_run)).rstrip() + "\n"


def _lines(answer: GateAnswer, spec: str, live_run: Sequence[str]) -> Iterator[str]:
    yield f"# {rows.STATES[answer.state]}: {prose(spec)} on recorded runs"
    yield from ("", prose(answer.message))
    for group in answer.groups:
        yield from ("", f"## {', '.join(map(code, group.runs))}")
        yield from table(rows.CHANGES_HEAD, ([*map(prose, rows.change_row(change))] for change in group.changes))
        yield from table(rows.ROWS_HEAD, ([*map(prose, rows.figures_row(row))] for row in group.rows))
        yield from (line for text in rows.about(group) for line in ("", prose(text)))
    if live_run:
        yield from ("", "A live run decides:", "", *(f"    {line}" for line in live_run))


def gate_json(answer: GateAnswer, live_run: Sequence[str]) -> bytes:
    """Everything, for programs."""
    found = plain(answer)
    return orjson.dumps({"predicted": True, **(found if isinstance(found, dict) else {}), "liveRun": list(live_run)},
                        option=orjson.OPT_INDENT_2)


def gate_junit(answer: GateAnswer, spec: str) -> bytes:
    """One case for each measure of each group of runs. What the twin cannot tell is an error: it is not good."""
    suite = Element("testsuite", name=clean(f"elastometer gate {spec}"))
    for group in answer.groups:
        for name, state, message in _cases(group):
            case = SubElement(suite, "testcase", classname="elastometer.gate", name=clean(name))
            _outcome(case, state, message)
            SubElement(case, "system-out").text = clean(f"predicted: {message}")
    if not answer.groups:
        _outcome(SubElement(suite, "testcase", classname="elastometer.gate", name="runs"), answer.state, answer.message)
    return suite_bytes(suite)


def _cases(group: GateGroup) -> Iterator[tuple[str, GateState, str]]:
    runs = ", ".join(group.runs)
    for row in group.rows:
        yield f"{row.measure} on {runs}", row.state, row.message
    if not group.rows:
        yield runs, group.state, group.reason or ""


def _outcome(case: Element, state: GateState, message: str) -> None:
    if state is GateState.REGRESSED:
        add_outcome(case, "failure", state.value, message)
    elif state is GateState.CANNOT_TELL:
        add_outcome(case, "error", state.value, message)
