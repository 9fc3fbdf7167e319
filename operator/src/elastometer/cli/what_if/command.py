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
from elastometer.twin.search.answer.search import Wishes
from elastometer.twin.search.vary.grid import knows_tolerances
from elastometer.world.bundle_reader import BundleError, load_bundle

MOST_CANDIDATES = 100_000
_EPILOG = """\
First the twin predicts the recorded run itself and prints how far off it is; then it predicts the same demand under
other settings. Everything but the column `measured` is a prediction.

  elastometer what-if runs/demo                                      # how well the twin reproduces the run, the cliff
  elastometer what-if runs/demo --set target=4 --set behavior.scaleUp.policies[0].value=2
  elastometer what-if runs/demo --set metric=running --set target=3 --set coldStart.scale=0.5
  elastometer what-if runs/demo --search --out what-if --patch patch.yaml
  elastometer what-if runs/a --compare runs/b                        # how well one run tells the other

paths: fields of the autoscaler's spec as its manifest has them, `target` for the only metric's; beside them
coldStart.seconds, coldStart.scale, load.scale, scrape.periodSeconds, controller.*, metric=…, autoscaler=HPA|KEDA|KPA,
kpa.*, keda.*. docs/what-if.md has the list.

exit codes: 0 the question was answered, 2 wrong usage, a setting that is refused, or a bundle that cannot answer"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="directory or .tar.zst of a run")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
                        help="one setting; may be given several times. With --search it holds for every candidate")
    parser.add_argument("--search", action="store_true", help="try many settings and rank them; what is told of the "
                        "best comes from draws of chance that the search did not use")
    parser.add_argument("--candidates", type=int, default=1000, metavar="N", help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the candidates (default: 0)")
    parser.add_argument("--cold-start-scales", metavar="F,F", help="also try the cold starts times each of these")
    parser.add_argument("--pick", type=int, metavar="N", help="which of the front the patch is of (default: the "
                        "cheapest that holds all objectives in the most draws, else the one with the fewest misses)")
    parser.add_argument("--patch", type=Path, metavar="FILE", help="write the chosen settings as a manifest")
    parser.add_argument("--objective", action="append", default=[], metavar="YAML", dest="objectives",
                        help="judge by this entry of spec.objectives instead of the run's own; may be repeated")
    parser.add_argument("--compare", type=Path, metavar="BUNDLE",
                        help="predict another recorded run from this one and back, and print how far off that is")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: cores)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write what-if.html, .json and .md there")
    add_output_option(parser)


def execute(options: argparse.Namespace) -> Exit:
    """Asks the twin, prints the answer, writes what was asked for."""
    wishes = _wishes(options)
    if options.compare is not None:
        return _compare(options)
    with _refusing(options.bundle):
        bundle = judged_by(load_bundle(options.bundle), options.objectives)
        version = text_at(bundle.provenance, "kubernetes", "gitVersion")
        found = _answered(bundle, replace(wishes, tolerances=knows_tolerances(version)), options.jobs)
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
        raise CliError(Exit.SPEC_OR_USAGE, "--compare: must come without --set, --search and --out")
    runs: list[tuple[str, Recorded]] = []
    for path in (options.bundle, options.compare):
        with _refusing(path):
            name = path.name if path.name not in [name for name, _ in runs] else str(path)
            runs.append((name, recorded(judged_by(load_bundle(path), options.objectives))))
    with _refusing(options.compare):
        found = compare_runs(runs[0], runs[1])
    if options.output == "json":
        print(orjson.dumps(plain(found), option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(printable(line) for line in comparison_in_words(found)))
    return Exit.PASSED


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What a bundle or a setting lacks becomes the message, and exit code 2."""
    try:
        yield
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error
    except SpecError as error:
        raise CliError(Exit.SPEC_OR_USAGE, f"{path}: cannot be answered:",
                       *(f"  {flaw}" for flaw in error.flaws)) from error


def _wishes(options: argparse.Namespace) -> Wishes:
    for name, value, most in (("candidates", options.candidates, MOST_CANDIDATES), ("jobs", options.jobs, 1024)):
        if not 1 <= value <= most:
            raise CliError(Exit.SPEC_OR_USAGE, f"--{name}: must be from 1 to {most}, is {value}")
    if options.pick is not None and not options.search:
        raise CliError(Exit.SPEC_OR_USAGE, f"--pick: must come with --search, is {options.pick}")
    if options.patch is not None and not (options.search or options.settings):
        raise CliError(Exit.SPEC_OR_USAGE, f"--patch: must come with --set or --search, is {options.patch}")
    scales = options.cold_start_scales
    return Wishes(
        settings=settings_from(options.settings), search=options.search, candidates=options.candidates,
        seed=options.seed, cold_start_scales=() if scales is None else scales_from(scales), pick=options.pick,
        patch_name="patch.yaml" if options.patch is None else options.patch.name)


def _answered(bundle: Bundle, wishes: Wishes, jobs: int) -> Answer:
    run = recorded(bundle)
    with Workers(run.question, jobs, sys.stderr) as workers:
        return answer(run, wishes, workers.each)


def _write_patch(found: Answer, path: Path) -> None:
    chosen = found.chosen
    if chosen is None or chosen.patch is None:
        raise CliError(Exit.SPEC_OR_USAGE, f"--patch: cannot be written: {chosen.no_patch if chosen else 'no choice'}")
    write_files({path.name: chosen.patch.encode()}, path.parent)
