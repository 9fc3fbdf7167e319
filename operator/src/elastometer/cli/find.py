"""`elastometer find`: one request of a recorded run by its name, with its line, its record, its Pod and that Pod's log.
Needs no cluster."""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.requests.found import AROUND, FoundRequest, RequestName, find_request, name_from
from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.options import add_output_option
from elastometer.cli.base.text import columns, printable
from elastometer.cli.studies.bundles import is_study, usage_errors
from elastometer.model.request import RecordedRequest
from elastometer.model.study_document import RunState
from elastometer.model.units import SECOND, format_instant
from elastometer.world.bundle_reader import load_bundle
from elastometer.world.fingerprint_reader import fingerprint_line
from elastometer.world.study.reader import load_document, run_directory
from elastometer_loadgen.base.record import INSTANTS, KEYS, REPEAT_KEYS

MICROSECOND_DIGITS = 6
_EXAMPLES = """\
Use it when a line of the load, a prompt or an answer names a request, such as [REQ-7a2f-17].

examples:
  elastometer find runs/demo-20260101T000000Z REQ-7a2f-17
  elastometer find bundle.tar.zst '[REQ-7a2f-17]' --output json
  elastometer find runs/studies/all-in-one REQ-7a2f-17      # a study: looks into each of its runs

exit codes: 0 found, 2 wrong usage, or no run has such a request"""


@dataclass(frozen=True, slots=True)
class _Hit:
    """The request as one run has it."""

    path: Path
    found: FoundRequest
    line: str | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("bundle", type=Path, metavar="BUNDLE",
                        help="directory or .tar.zst of a run, or directory of a study")
    parser.add_argument("request", metavar="REQUEST", help="name of the request, such as REQ-7a2f-17")
    add_output_option(parser)


def execute(options: argparse.Namespace) -> Exit:
    """Prints what each run knows of the request."""
    name = name_from(options.request)
    if name is None:
        raise CliError(Exit.SPEC_OR_USAGE,
                       f"the request must be a name such as REQ-7a2f-17, is {printable(options.request, 80)!r}")
    with usage_errors():
        hits = [hit for path in _runs(options.bundle) if (hit := _hit(path, name)) is not None]
    if not hits:
        raise CliError(Exit.SPEC_OR_USAGE, f"'{options.bundle}' has no request REQ-{name.fingerprint}-{name.number}: "
                                           "the name must be one that this run's load gave out")
    if options.output == "json":
        print(orjson.dumps([_document(hit) for hit in hits], option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n\n".join("\n".join(printable(line) for line in _words(hit)) for hit in hits))
    return Exit.PASSED


def _runs(bundle: Path) -> Iterator[Path]:
    """The run itself, or the runs of a study that were judged, as far as they are there."""
    if not is_study(bundle):
        yield bundle
        return
    for entry in load_document(bundle).runs:
        if entry.state is RunState.JUDGED and (path := run_directory(bundle, entry)).exists():
            yield path


def _hit(path: Path, name: RequestName) -> _Hit | None:
    found = find_request(gather(load_bundle(path)), name)
    return None if found is None else _Hit(path, found, fingerprint_line(path, name.number))


def _record(record: RecordedRequest) -> dict[str, Any]:
    """The record under the keys of its line, without what was not observed."""
    known = {KEYS[field]: getattr(record, field) for field in KEYS if hasattr(record, field)}
    for field, key in INSTANTS.items():
        if known[key] is not None:
            known[key] = format_instant(getattr(record, field), MICROSECOND_DIGITS)
    known[KEYS["checks"]] = dict(record.checks) or None
    if record.repeat is not None:
        known[KEYS["repeat"]] = dict(zip(REPEAT_KEYS.values(), record.repeat, strict=True))
    if record.first_attempt is not None:
        known[KEYS["first_attempt"]] = {
            "outcome": record.first_attempt, "status": record.first_status, "error": record.first_error}
    return {key: value for key, value in known.items() if value is not None}


def _document(hit: _Hit) -> dict[str, Any]:
    found = hit.found
    return {
        "run": str(hit.path), "request": found.record.mark, "line": hit.line, "record": _record(found.record),
        "otherTurns": [turn.mark for turn in found.turns],
        "log": [{"time": format_instant(line.time), "container": line.container, "line": line.line}
                for line in found.log],
        "logLinesLeftOut": found.log_left_out,
    }


def _words(hit: _Hit) -> Iterator[str]:
    found, record = hit.found, hit.found.record
    yield f"{hit.path}: {record.mark}"
    yield hit.line or "no line was kept of it: spec.load.fingerprints decides for which requests lines are printed"
    yield from columns([(key, _shown(value)) for key, value in _record(record).items()])
    if found.turns:
        yield f"other turns of its conversation: {', '.join(turn.mark for turn in found.turns)}"
    yield _about_log(found)
    for line in found.log:
        yield f"  {format_instant(line.time)}  {line.line}"


def _shown(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else orjson.dumps(value).decode()


def _about_log(found: FoundRequest) -> str:
    pod, seconds = found.record.pod, AROUND // SECOND
    if pod is None:
        return ("its Pod is not known: the server named none, and the address of its connection is no Pod's "
                "(connection.policy SpreadOverPods connects to the Pods themselves)")
    if not found.has_log:
        return f"nothing was recorded of the log of Pod {pod}"
    more = f", {found.log_left_out} further lines left out" if found.log_left_out else ""
    return f"log of Pod {pod}, from {seconds} s before it was sent to {seconds} s after its end{more}:" if found.log \
        else f"Pod {pod} logged nothing that is kept from {seconds} s before it was sent to {seconds} s after its end"
