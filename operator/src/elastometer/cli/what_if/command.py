"""`elastometer what-if`: what other settings would have done to a recorded run. Needs no cluster."""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import orjson

from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.files import write_files
from elastometer.cli.base.options import add_output_option
from elastometer.cli.base.text import printable
from elastometer.cli.what_if.compare import in_words as comparison_in_words
from elastometer.cli.what_if.objectives import judged_by
from elastometer.cli.what_if.settings import scales_from, settings_from
from elastometer.cli.what_if.text import in_words
from elastometer.cli.what_if.workers import Workers
from elastometer.model.bundle import Bundle
from elastometer.model.document import text_at
from elastometer.model.errors import SpecError
from elastometer.render.json_report import plain
from elastometer.render.what_if.files import answer_json, render_answer
from elastometer.twin.search.answer.answer import Answer
from elastometer.twin.search.answer.compare import compare_runs
from elastometer.twin.search.answer.run import Recorded, answer, recorded
from elastometer.twin.search.answer.search import SearchOptions
from elastometer.twin.search.vary.grid import knows_tolerances
from elastometer.world.bundle_reader import BundleError, load_bundle

# 1,000 candidates take some 9 s on two cores; the limit, a quarter of an hour of that, catches a digit too many.
MAX_CANDIDATES = 100_000
MAX_JOBS = 1024
_EPILOG = """\
Use it to choose autoscaler settings without running a test for each of them. First the simulator predicts the recorded
run itself and prints how far off it is; then it predicts the same load under other settings. Everything but the column
`measured` is a prediction.

  elastometer what-if runs/demo                                      # prediction error, cold-start cliff
  elastometer what-if runs/demo --set target=4 --set behavior.scaleUp.policies[0].value=2
  elastometer what-if runs/demo --set metric=running --set target=3 --set coldStart.scale=0.5
  elastometer what-if runs/demo --search --out what-if --patch patch.yaml
  elastometer what-if runs/a --compare runs/b                        # how well one run predicts the other

paths: fields of the autoscaler's spec as in its manifest; `target` for the target of the only metric; and also
coldStart.seconds, coldStart.scale, load.scale, scrape.periodSeconds, controller.*, metric=…,
balancing=Uniform|ByConnection|LeastInFlight, autoscaler=HPA|KEDA|KPA, kpa.*, keda.*. docs/what-if.md has the list.

exit codes: 0 the question was answered, 2 wrong usage, a setting that is rejected, or a bundle that cannot be
calibrated"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="directory or .tar.zst of a run")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
                        help="one setting; may be repeated. With --search it applies to every candidate")
    _add_search_options(parser)
    parser.add_argument("--patch", type=Path, metavar="FILE",
                        help="write the chosen settings as a manifest for kubectl apply")
    parser.add_argument("--objective", action="append", default=[], metavar="YAML", dest="objectives",
                        help="judge by this entry of spec.objectives instead of the run's own; may be repeated")
    parser.add_argument("--compare", type=Path, metavar="BUNDLE",
                        help="predict another recorded run from this one and vice versa; print the prediction errors")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N",
                        help="number of processes (default: number of cores)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write what-if.html, .json and .md there")
    add_output_option(parser)


def _add_search_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--search", action="store_true",
                        help="try many settings and rank them; the figures that are printed for the best come from "
                             "held-out draws, which the ranking did not use")
    parser.add_argument("--candidates", type=int, default=1000, metavar="N",
                        help="how many settings to try (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="seed from which the candidates are drawn (default: 0)")
    parser.add_argument("--cold-start-scales", metavar="F,F",
                        help="also try the recorded cold starts multiplied by each of these factors")
    parser.add_argument("--balancing", action="store_true",
                        help="also try each way of choosing a replica for a request (see balancing= below)")
    parser.add_argument("--pick", type=int, metavar="N",
                        help="choose candidate N of the ranked ones (default: the cheapest that meets all "
                             "objectives in the most draws, else the one with the fewest misses)")


def execute(options: argparse.Namespace) -> Exit:
    """Runs the simulator, prints the answer and writes the files that were asked for."""
    search = _search_options(options)
    if options.compare is not None:
        return _compare(options)
    with _usage_errors(options.bundle):
        bundle = judged_by(load_bundle(options.bundle), options.objectives)
        version = text_at(bundle.provenance, "kubernetes", "gitVersion")
        found = _answer(bundle, replace(search, tolerances=knows_tolerances(version)), options.jobs)
    if options.patch is not None:
        _write_patch(found, options.patch)
    if options.out is not None:
        write_files(render_answer(found), options.out)
    if options.output == "json":
        print(answer_json(found).decode())
    else:
        print("\n".join(printable(line) for line in in_words(found, options.bundle, options.out)))
    return Exit.PASSED


def _compare(options: argparse.Namespace) -> Exit:
    if options.settings or options.search or options.out:
        raise CliError(Exit.SPEC_OR_USAGE, "--compare: cannot be combined with --set, --search or --out")
    runs: list[tuple[str, Recorded]] = []
    for path in (options.bundle, options.compare):
        with _usage_errors(path):
            # Runs in different directories may have one name.
            name = path.name if path.name not in [name for name, _ in runs] else str(path)
            runs.append((name, recorded(judged_by(load_bundle(path), options.objectives))))
    with _usage_errors(options.compare):
        found = compare_runs(runs[0], runs[1])
    if options.output == "json":
        print(orjson.dumps(plain(found), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(printable(line) for line in comparison_in_words(found)))
    return Exit.PASSED


@contextmanager
def _usage_errors(path: Path) -> Iterator[None]:
    """Turns what is wrong with a bundle or a setting into a message and exit code 2."""
    try:
        yield
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"{path}: this question cannot be answered:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error


def _search_options(options: argparse.Namespace) -> SearchOptions:
    for name, value, limit in (("candidates", options.candidates, MAX_CANDIDATES), ("jobs", options.jobs, MAX_JOBS)):
        if not 1 <= value <= limit:
            raise CliError(Exit.SPEC_OR_USAGE, f"--{name}: must be from 1 to {limit}, is {value}")
    if options.balancing and not options.search:
        raise CliError(Exit.SPEC_OR_USAGE, "--balancing: must come with --search; --set balancing=… tries one way")
    if options.pick is not None and not options.search:
        raise CliError(Exit.SPEC_OR_USAGE, f"--pick: must come with --search, is {options.pick}")
    if options.patch is not None and not (options.search or options.settings):
        raise CliError(Exit.SPEC_OR_USAGE, f"--patch: must come with --set or --search, is {options.patch}")
    scales = options.cold_start_scales
    return SearchOptions(
        settings=settings_from(options.settings), search=options.search, candidates=options.candidates,
        seed=options.seed, cold_start_scales=() if scales is None else scales_from(scales),
        balancing=options.balancing, pick=options.pick,
        patch_name="patch.yaml" if options.patch is None else options.patch.name)


def _answer(bundle: Bundle, search: SearchOptions, jobs: int) -> Answer:
    run = recorded(bundle)
    with Workers(run.problem, jobs, sys.stderr) as workers:
        return answer(run, search, workers.each)


def _write_patch(found: Answer, path: Path) -> None:
    chosen = found.chosen
    if chosen is None or chosen.patch is None:
        reason = chosen.no_patch if chosen else "no settings were chosen"
        raise CliError(Exit.SPEC_OR_USAGE, f"--patch: cannot be written: {reason}")
    write_files({path.name: chosen.patch.encode()}, path.parent)
