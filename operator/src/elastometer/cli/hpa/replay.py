"""`elastometer hpa replay`: recorded syncs decided again and compared with what the real controller decided."""
from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.options import add_output_option
from elastometer.cli.base.text import columns, printable
from elastometer.cli.hpa.account import account_json, account_rows, observed_rows
from elastometer.hpa.decision import Condition, Decision
from elastometer.hpa.recording import Observed, Recording
from elastometer.hpa.replay import PARTS, Divergence, Replay, replay
from elastometer.world.trace_reader import TraceFileError, read_recordings

_EPILOG = """\
Use it to check that the HPA model decides as the real controller did, or to find the first sync at which it does not.

Each line of a trace file is one trace: the controller's flags, an autoscaling/v2 spec, the syncs (scale, Pods, what the
metrics APIs answered) and, in `expected`, what the real controller left after each. docs/hpa.md describes the format.
For the bundle of a run, use `elastometer hpa explain`.

  elastometer hpa replay traces.jsonl
  elastometer hpa replay traces.jsonl.zst --output json | jq -c 'select(.divergence != null) | .name'

text: the agreement for each trace and, for the first sync that differs, the observed account next to the model's
json: one line per trace: every decision with its account, the agreement, the first divergence

exit codes: 0 everything observed agrees, 1 something differs, 2 wrong usage or a line that is not a trace"""
_UNKNOWN = "–"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.add_argument("traces", type=Path, metavar="TRACES", help="trace file: .jsonl, or compressed as .jsonl.zst")
    add_output_option(parser)
    parser.epilog = _EPILOG


def execute(options: argparse.Namespace) -> Exit:
    """Replays trace by trace and prints each as it is done."""
    result_line = _as_json if options.output == "json" else _in_words
    totals = dict.fromkeys(PARTS, (0, 0))
    traces = syncs = 0
    for recording in _recordings(options.traces):
        result = replay(recording)
        print(result_line(recording, result), flush=True)
        traces, syncs = traces + 1, syncs + len(recording.syncs)
        totals = {part: (same + result.agreement[part].same, of + result.agreement[part].of)
                  for part, (same, of) in totals.items()}
    if options.output != "json":
        print(f"{traces} {'trace' if traces == 1 else 'traces'}, {syncs} syncs: {_counts(totals)}")
    return Exit.PASSED if all(same == of for same, of in totals.values()) else Exit.FAILED


def _recordings(path: Path) -> Iterator[Recording]:
    try:
        yield from read_recordings(path)
    except TraceFileError as error:
        raise CliError(Exit.SPEC_OR_USAGE, *error.flaws) from error


def _counts(totals: Mapping[str, tuple[int, int]]) -> str:
    if not any(of for _, of in totals.values()):
        return "nothing was observed to compare with"
    return ", ".join(f"{part} {same}/{of}" for part, (same, of) in totals.items() if of)


def _in_words(recording: Recording, result: Replay) -> str:
    agreement = {part: (found.same, found.of) for part, found in result.agreement.items()}
    lines = [printable(f"{recording.name}: {len(recording.syncs)} syncs: {_counts(agreement)}")]
    if result.divergence is not None:
        lines += _side_by_side(result.divergence)
    return "\n".join(lines)


def _side_by_side(found: Divergence) -> list[str]:
    head = f"  differs first at sync {found.index}, {found.sync.input.at:g} s, in {', '.join(found.parts)}:"
    observed, decided = _outcome(found.sync.observed), _outcome(_as_observed(found.decision))
    rows = [("", "observed", "model")]
    rows += [(label, observed.get(label, _UNKNOWN), decided.get(label, _UNKNOWN))
             for label in dict.fromkeys((*observed, *decided))]
    known = observed_rows(found.sync)
    rows += [(label, known.get(label, _UNKNOWN), text) for label, text in account_rows(found.decision.account)]
    return [head, *columns(rows, indent="    ")]


def _as_observed(decision: Decision) -> Observed:
    return Observed(decision.desired, decision.rescaled, decision.conditions, decision.events)


def _outcome(outcome: Observed) -> dict[str, str]:
    """What the controller left behind, as rows; what was not observed has no row."""
    rows: dict[str, str] = {}
    if outcome.desired is not None:
        rows["desired replicas"] = str(outcome.desired)
    if outcome.rescaled is not None:
        rows["rescaled"] = "yes" if outcome.rescaled else "no"
    for name, condition in sorted((outcome.conditions or {}).items()):
        rows[name] = f"{condition.status} {condition.reason}"
    if outcome.events is not None:
        rows["events"] = ", ".join(outcome.events) or "none"
    return rows


def _as_json(recording: Recording, result: Replay) -> str:
    document = {
        "name": recording.name,
        "decisions": [
            {**_outcome_json(_as_observed(decision)), "account": account_json(decision.account)}
            for decision in result.decisions
        ],
        "agreement": {part: {"same": found.same, "of": found.of} for part, found in result.agreement.items()},
        "divergence": _divergence_json(result.divergence),
    }
    return orjson.dumps(document).decode()


def _divergence_json(found: Divergence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "index": found.index, "atSeconds": found.sync.input.at, "parts": found.parts,
        "observed": _outcome_json(found.sync.observed), "decided": _outcome_json(_as_observed(found.decision)),
        "account": account_json(found.decision.account),
    }


def _outcome_json(outcome: Observed) -> dict[str, Any]:
    return {
        "desiredReplicas": outcome.desired, "rescaled": outcome.rescaled,
        "conditions": _pairs(outcome.conditions), "events": outcome.events,
    }


def _pairs(conditions: Mapping[str, Condition] | None) -> dict[str, list[str]] | None:
    if conditions is None:
        return None
    return {name: [condition.status, condition.reason] for name, condition in conditions.items()}
