"""`elastometer simulate`: predicts the report of a test that was never run, in virtual time. Needs no cluster."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from elastometer.cli.base.exits import Exit, exit_of_verdict
from elastometer.cli.base.files import write_files
from elastometer.cli.base.manifest_file import Manifest, read_test
from elastometer.cli.base.offline import DEFAULT_NAMESPACE, checked_spec, rejection
from elastometer.cli.base.options import add_output_option, positive_count
from elastometer.cli.base.summary import finding_lines, objective_lines, summary_rows
from elastometer.cli.base.text import columns, printable
from elastometer.cli.simulate.draws import SimulationInput, each_draw, report_of
from elastometer.cli.simulate.inputs import InputOptions, assume
from elastometer.cli.simulate.recorded import recorded
from elastometer.cli.simulate.settings import with_settings
from elastometer.model.bundle_files import REPORT_HTML, REPORT_JSON
from elastometer.model.errors import SpecError
from elastometer.model.prediction_basis import DrawnFigure, PredictionBasis
from elastometer.model.report import Report
from elastometer.plan import Environment, TestPlan
from elastometer.render.files import render_all
from elastometer.render.wording import numbers, prices
from elastometer.twin.draws import Drawn
from elastometer.twin.forecast.autoscaler import planned_autoscaler
from elastometer.twin.forecast.planned import Assumed
from elastometer.twin.forecast.planned_load import planned_load
from elastometer.twin.reading.scaled_object import annotation_flaws
from elastometer_loadgen.profile.inputs import files_of
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.trace import TraceStage

DEFAULT_DRAWS = 10
PROGRESS_PERIOD_SECONDS = 2.0
# Planning this many takes seconds, before the first draw can report progress.
MANY_REQUESTS = 50_000
# Label of a row in lower case -> the figure whose range over the draws stands beside it.
_RANGES = {
    "peak ready replicas": DrawnFigure.PEAK_READY, "scale-outs": DrawnFigure.SCALE_OUTS,
    "scale-ins": DrawnFigure.SCALE_INS, "scale-out lag, median": DrawnFigure.SCALE_OUT_LAG,
    "cold start, median": DrawnFigure.COLD_START, "ttft p95": DrawnFigure.FIRST_TOKEN,
    "requests": DrawnFigure.REQUESTS, "failed requests": DrawnFigure.NOT_SERVED,
    "gpu-seconds": DrawnFigure.GPU_SECONDS, "replica-seconds": DrawnFigure.REPLICA_SECONDS,
}
# A plan names what it would create in a cluster; a simulation creates nothing.
NOWHERE = Environment(namespace="", service="", receiver_url="", receiver_port=0, prometheus_url="", load_image="")
ABOUT = """Predicts the report of a test before any GPU is paid for: the load as the generator would send it, replicas
of a given capacity and cold start, and the test's own autoscaler, which decides by the HPA's rules. Nothing is run and
no cluster is needed; every file of the report says that it is predicted."""
EXAMPLES = """what a replica can do comes from the first of these that is given:
  --capacity, --cold-start   numbers: slots (requests at once), prefillSeconds and prefillSecondsPerToken (until the
                             first token), decodeSeconds (for each further token), decodeSecondsPerNeighbour
                             (added for each other request in the batch); cold starts are counted from the change
                             of spec.replicas to serving
  --from BUNDLE              an earlier run of the same server, to which the numbers are fitted
  the test itself            if its server is the stand-in, whose arguments state them

examples:
  elastometer simulate manifests/samples/demo.yaml
  elastometer simulate manifests/samples/demo-tuned.yaml
  elastometer simulate manifests/samples/keda.yaml --draws 50 --out predicted
  elastometer simulate manifests/samples/knee.yaml
  elastometer simulate manifests/samples/cpu.yaml --set autoscaler.horizontalPodAutoscaler.minReplicas=2
  elastometer simulate manifests/samples/vllm-gpu.yaml --cold-start 70,85,120 \\
      --capacity prefillSeconds=0.02,prefillSecondsPerToken=0.00004,decodeSeconds=0.007,decodeSecondsPerNeighbour=0.0001
  elastometer simulate test.yaml --from runs/demo-20260101T000000Z --output json | jq .predicted
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, f"{EXAMPLES}\n{parser.epilog}"
    parser.add_argument("file", metavar="TEST.yaml", help="YAML with one ElasticityTest, or -")
    parser.add_argument("--capacity", metavar="FILE|k=v,…", help="what one replica can do, in seconds; see below")
    parser.add_argument("--cold-start", metavar="SECONDS[,SECONDS…]",
                        help="measured or expected cold starts; of several, one is drawn for each start")
    parser.add_argument("--from", dest="bundle", type=Path, metavar="BUNDLE",
                        help="earlier run, from which capacity and cold starts that are not given are fitted")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="path=value",
                        help="change a field of the test's spec first; may be repeated")
    parser.add_argument("--seed", type=int, default=0, help="first seed of the random draws (default: 0)")
    parser.add_argument("--draws", type=positive_count, default=DEFAULT_DRAWS, metavar="N",
                        help=f"number of seeds; the report shows the median draw (default: {DEFAULT_DRAWS})")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json, .md, .html and junit.xml there")
    add_output_option(parser)


def execute(options: argparse.Namespace) -> Exit:
    """Predicts, writes the report if `--out` is given, and prints the verdict; `--output json` prints report.json."""
    try:
        simulation = _simulation_input(options)
        seeds = range(options.seed, options.seed + options.draws)
        report = report_of(simulation, list(_with_progress(each_draw(simulation, seeds), options.draws)))
    except SpecError as error:
        raise rejection(options.file, error) from error
    for note in simulation.autoscaler.notes:
        print(f"warning: {printable(note)}", file=sys.stderr)
    files = render_all(report)
    if options.out is not None:
        write_files(files, options.out, "the report")
    if options.output == "json":
        print(files[REPORT_JSON].decode())
    else:
        print("\n".join(in_words(orjson.loads(files[REPORT_JSON]), report, options)))
    return exit_of_verdict(report.verdict)


def _simulation_input(options: argparse.Namespace) -> SimulationInput:
    manifest = with_settings(read_test(options.file), options.settings)
    plan = TestPlan(checked_spec(options.file, manifest), NOWHERE)
    if flaws := list(annotation_flaws(manifest["metadata"])):
        raise SpecError(*flaws)
    _require_modelled(plan.spec.profile)
    profile = plan.spec.profile
    expected = float(sum(profile.requests_of(stage) for stage in profile.stages if not stage.is_closed))
    if expected >= MANY_REQUESTS:
        print(f"about {expected:,.0f} requests", file=sys.stderr, flush=True)
    load = planned_load(plan.spec.profile)
    if not load.request_count:
        raise SpecError("spec.load.stages: must plan at least one request with this seed, plan none")
    earlier = None if options.bundle is None else recorded(options.bundle, plan)
    given = InputOptions(options.capacity, options.cold_start)
    autoscaler = planned_autoscaler(plan, _assumed_namespace(manifest, earlier))
    return SimulationInput(plan, autoscaler, assume(plan, load, given, earlier), load)


def _assumed_namespace(manifest: Manifest, earlier: Assumed | None) -> str | None:
    """Where a test without a namespace is taken to run: where the earlier run did, else where kubectl creates it."""
    if manifest["metadata"].get("namespace"):
        return None
    return earlier.namespace if earlier is not None and earlier.namespace else DEFAULT_NAMESPACE


def _require_modelled(profile: Profile) -> None:
    """Raises SpecError with everything in the load that the simulator has no model of, at once."""
    if flaws := [*_stage_flaws(profile), *_task_flaws(profile)]:
        raise SpecError(*flaws)


def _stage_flaws(profile: Profile) -> Iterator[str]:
    traces = [stage.name for stage in profile.stages if isinstance(stage, TraceStage)]
    if traces:
        yield f"spec.load.stages: must not be of type Trace to be simulated; of this type are {', '.join(traces)}"


def _task_flaws(profile: Profile) -> Iterator[str]:
    for path, name in files_of(profile):
        yield f"spec.load.{path}: must be inline to be simulated, is the file {name}"


def _with_progress(draws: Iterator[Drawn], count: int) -> Iterator[Drawn]:
    """The draws; if they take a while, a line of progress every PROGRESS_PERIOD_SECONDS."""
    printed_at = monotonic()
    for number, draw in enumerate(draws, 1):
        yield draw
        if monotonic() - printed_at >= PROGRESS_PERIOD_SECONDS and number < count:
            printed_at = monotonic()
            print(f"{number} of {count} draws", file=sys.stderr, flush=True)


def _with_range(label: str, text: str, basis: PredictionBasis | None) -> str:
    """The text of a row, with the range of its figure in brackets after the figure."""
    figure = _RANGES.get(label.lower())
    if figure is None:
        return text
    shown, colon, rest = text.partition(":")
    return numbers.beside(shown, basis, figure) + colon + rest


def in_words(content: dict[str, Any], report: Report, options: argparse.Namespace) -> list[str]:
    """The most important lines of the report as text; each section says that it is predicted."""
    basis = report.predicted
    lines = [f"{options.file}: predicted: {report.verdict.value} ({report.verdict_message})"]
    lines += [line.replace("  ", "  predicted: ", 1) for line in objective_lines(content["objectives"])]
    lines += ["predicted numbers of one draw" + (
        "" if options.draws == 1 else f", the median of {options.draws}; in brackets the range over all draws")]
    rows = [*summary_rows(content["summary"]), *prices.summary_rows(report.price)]
    lines += [f"  {label:<24}{_with_range(label, text, basis)}" for label, text in rows]
    if basis is not None and basis.draws > 1:
        lines += [f"predicted over {basis.draws} draws: verdicts {numbers.counts(basis.verdicts)}"]
        lines += columns((interval.name, numbers.interval(interval)) for interval in basis.intervals)
    lines += finding_lines(content["findings"])
    if basis is not None:
        inputs = [("capacity", basis.capacity), ("cold starts", basis.cold_starts), ("autoscaler", basis.autoscaler)]
        assumed = [("assumed", assumption) for assumption in basis.assumptions]
        lines += ["what the prediction is based on", *columns([*inputs, *assumed])]
    if options.out is not None:
        lines.append(f"predicted report: {options.out / REPORT_HTML}")
    return [printable(line) for line in lines]
