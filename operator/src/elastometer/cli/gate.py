"""`elastometer gate`: whether a changed test would do worse than recorded runs of the current one. Needs no cluster."""
from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.files import write_files
from elastometer.cli.base.manifest_file import Manifest, read_test
from elastometer.cli.base.offline import defaulted_test, rejection, served_test
from elastometer.cli.base.text import printable, wrapped, wrapped_columns
from elastometer.cli.studies.bundles import places_at
from elastometer.cli.studies.gates import gates_from
from elastometer.model.comparison import GateState
from elastometer.model.errors import SpecError
from elastometer.model.gating import GateAnswer, GateBundle, GateTerms
from elastometer.render.gate import rows
from elastometer.render.gate.files import gate_json, gate_junit, gate_markdown
from elastometer.study.gate.gate import gate
from elastometer.world.bundle_reader import BundleError, load_bundle

_EPILOG = """\
Replays the recorded load of each baseline run under the new spec, with the simulator that was fitted to that run. A
gate has regressed only where the predicted change exceeds what is allowed by more than the simulator's own error on
these runs; that error shrinks with several runs of the baseline. Changes of the HorizontalPodAutoscaler, of the
ScaledObject, of the scrape period and of the server flags --max-num-seqs and --shutdown-timeout are modelled; any other
change is refused by name, and asks for a live run. docs/studies.md has the details.

examples:
  elastometer gate --baseline runs/demo-* --spec new.yaml
  elastometer gate --baseline runs/demo-* --spec new.yaml --gate missSeconds=5 --gate gpuSeconds=10%
  elastometer gate --baseline runs/demo-* --spec new.yaml --output markdown --junit gate.xml

exit codes: 0 held, 1 regressed, 2 wrong usage or rejected spec, 3 cannot tell"""
_EXITS = {GateState.HELD: Exit.PASSED, GateState.REGRESSED: Exit.FAILED, GateState.CANNOT_TELL: Exit.INCONCLUSIVE}
_CHANGES, _ROWS = {0: 56, 1: 12, 2: 12}, {0: 14, 1: 8, 2: 14, 3: 14, 4: 14, 5: 8, 6: 8}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("--baseline", nargs="*", required=True, metavar="BUNDLE",
                        help="recorded runs of the current spec: bundles, directories of bundles, or studies")
    parser.add_argument("--spec", required=True, metavar="NEW.yaml", help="the changed ElasticityTest, or -")
    parser.add_argument("--gate", action="append", default=[], dest="gates", metavar="MEASURE=LIMIT",
                        help="how much worse a measure may become: a number in its unit, or 10%% of what was measured; "
                             "missSeconds, gpuSeconds, replicaSeconds or timeToFirstTokenP95Milliseconds; may be "
                             "repeated (default: missSeconds=0)")
    parser.add_argument("--variant", metavar="NAME", help="of the bundle of a study, the runs of this variant")
    parser.add_argument("--output", choices=("text", "json", "markdown"), default="text",
                        help="form of the result (default: text)")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write the gates as JUnit XML")


def execute(options: argparse.Namespace) -> Exit:
    """Replays, prints the answer, and returns it as an exit code."""
    gates = gates_from(options.gates)
    test = read_test(options.spec)
    changed = _as_served(options.spec, test)
    bundles = [one for path in options.baseline for one in _bundles(path, options.variant)]
    answer = gate(bundles, changed, GateTerms(gates) if gates else GateTerms())
    live_run = _live_run(options, test) if answer.state is GateState.CANNOT_TELL else []
    if options.junit is not None:
        write_files({options.junit.name: gate_junit(answer, options.spec)}, options.junit.parent)
    if options.output == "json":
        print(gate_json(answer, live_run).decode())
    elif options.output == "markdown":
        print(gate_markdown(answer, options.spec, live_run), end="")
    else:
        print("\n".join(map(printable, _in_words(answer, options.spec, live_run))))
    return _EXITS[answer.state]


def _as_served(source: str, test: Manifest) -> Manifest:
    try:
        return {**test, "spec": served_test(test).raw}
    except SpecError as error:
        raise rejection(source, error, "replayed") from error


def _bundles(path: str, variant: str | None) -> Iterator[GateBundle]:
    """The runs at a path. One that cannot be read is kept, so that nothing is taken for good without it."""
    try:
        places = places_at(Path(path), variant)
    except CliError as error:
        yield GateBundle(path, None, " ".join(error.lines))
        return
    for place in places:
        name = str(place.path)
        try:
            yield GateBundle(name, defaulted_test(load_bundle(place.path)))
        except (BundleError, OSError) as error:
            yield GateBundle(name, None, str(error))


def _live_run(options: argparse.Namespace, test: Manifest) -> list[str]:
    spec, out = "NEW.yaml" if options.spec == "-" else options.spec, f"runs/{test['metadata']['name']}-new"
    base = " ".join(map(shlex.quote, options.baseline)) or "BUNDLE"
    limits = "".join(f" --gate {shlex.quote(text)}" for text in options.gates or ["missSeconds=0"])
    return [f"elastometer run {shlex.quote(spec)} --out {shlex.quote(out)}",
            f"elastometer compare --base {base} --new {shlex.quote(out)}{limits}"]


def _in_words(answer: GateAnswer, spec: str, live_run: Sequence[str]) -> Iterator[str]:
    yield from wrapped(rows.headline(answer, spec), further="  ")
    for group in answer.groups:
        yield ""
        yield from wrapped(", ".join(group.runs), further="  ")
        if group.changes:
            yield from wrapped_columns([rows.CHANGES_HEAD, *map(rows.change_row, group.changes)], _CHANGES)
        if group.rows:
            yield from wrapped_columns([rows.ROWS_HEAD, *map(rows.figures_row, group.rows)], _ROWS)
        for text in rows.about(group):
            yield from wrapped(text, "  ", "  ")
    if live_run:
        yield from ("", "a live run decides (repeat it: one run says nothing about the noise between runs):")
        yield from (f"  {line}" for line in live_run)
