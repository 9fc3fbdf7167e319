"""`elastometer compare`: runs of one kind against runs of another, with their noise. Needs no cluster."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from elastometer.cli.base.exits import CliError, Exit, exit_of_verdict
from elastometer.cli.base.files import write_files
from elastometer.cli.base.text import printable
from elastometer.cli.studies.asked import Asked
from elastometer.cli.studies.bundles import is_study
from elastometer.cli.studies.compared import compared
from elastometer.cli.studies.gates import gates_from
from elastometer.cli.studies.groups import Group, groups_by_option, groups_by_path, named_path
from elastometer.cli.studies.record import compare_record
from elastometer.cli.studies.regression import gated_by_objectives
from elastometer.cli.studies.text import print_comparison
from elastometer.model.bundle_files import REPORT_HTML
from elastometer.model.comparison import Comparison
from elastometer.render.study.files import render_study, to_json
from elastometer.render.study.junit import to_junit
from elastometer.render.study.markdown import to_markdown

_EPILOG = """\
A path is the bundle of a run (a directory or a .tar.zst, as `elastometer fetch` leaves it), a directory with bundles
below it, or the bundle of a study. The first path, or --base, is the baseline. Reports are reused; only a run without
one, or with one of an earlier schema, is judged.

examples:
  elastometer compare base/ new/                                 # the bundles below base against those below new
  elastometer compare --base runs/old-* --new runs/new-*         # bundles one by one; --new may be repeated
  elastometer compare hpa=runs/a keda=runs/b static=runs/c       # names of your own
  elastometer compare study/                                     # the variants of one study
  elastometer compare last-release/ this-release/ --variant hpa  # one variant of two studies
  elastometer compare base/ new/ --gate missSeconds=10% --gate timeToFirstTokenP95Milliseconds=200 --junit gate.xml
  elastometer compare base/ new/ --output markdown | gh pr comment --body-file -

A gate allows a measure to become worse than the baseline by so much, in percent or in its own unit; docs/studies.md
lists the measures. Without a gate, the exit code tells whether objectives were missed for longer, or more of them
failed. One run of each side cannot tell, since the noise between runs is not known: give at least three.

exit codes: 0 held: every gate, or without one neither objective-miss seconds nor failed objectives are worse beyond
the noise; 1 regressed; 2 wrong usage, a bundle that cannot be read, or runs that do not answer the same question;
3 cannot tell"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("paths", nargs="*", metavar="[NAME=]PATH",
                        help="one group of runs each, all next to each other; the first is the baseline")
    parser.add_argument("--base", nargs="+", metavar="[NAME=]PATH", help="the runs of the baseline")
    parser.add_argument("--new", nargs="+", action="append", default=[], metavar="[NAME=]PATH",
                        help="the runs that are compared with it; may be repeated, for a group each")
    parser.add_argument("--variant", metavar="NAME", help="of the bundle of a study, the runs of this variant")
    parser.add_argument("--gate", action="append", default=[], dest="gates", metavar="MEASURE=LIMIT",
                        help="how much worse than the baseline a measure may be: 10%%, or a number in its unit; may be "
                             "repeated")
    parser.add_argument("--allow-different", action="store_true",
                        help="compare runs of different loads, objectives or models too")
    parser.add_argument("--runs", action="store_true", help="judge every run again, instead of reusing its report")
    parser.add_argument("--output", choices=("text", "markdown", "json"), default="text",
                        help="form of the result (default: text)")
    parser.add_argument("--all", action="store_true", help="in the text, every measure that is known")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write the gates as JUnit XML")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json, .md, .html and junit.xml there")


def execute(options: argparse.Namespace) -> Exit:
    """Compares, writes what was asked for, and prints the comparison. The gates are the exit code."""
    asked = Asked(gates_from(options.gates), again=options.runs, allow_different=options.allow_different)
    study = _only_study(options)
    found = compared(_groups(options), asked) if study is None else compare_record(study, asked)
    found = found if found.gates else gated_by_objectives(found)
    if options.out is not None:
        write_files(render_study(found, has_pages=options.out == study), options.out, "the comparison")
    if options.junit is not None:
        write_files({options.junit.name: to_junit(found)}, options.junit.parent)
    _print(found, options)
    return exit_of_verdict(found.verdict)


def _only_study(options: argparse.Namespace) -> Path | None:
    """The bundle of the one study whose variants are to be compared with each other."""
    if len(options.paths) != 1 or options.base or options.new or options.variant is not None:
        return None
    _, path = named_path(options.paths[0])
    return path if is_study(path) else None


def _groups(options: argparse.Namespace) -> Sequence[Group]:
    if options.paths and (options.base or options.new):
        raise CliError(Exit.SPEC_OR_USAGE, "give paths, or --base and --new, not both")
    if options.base or options.new:
        if not (options.base and options.new):
            raise CliError(Exit.SPEC_OR_USAGE, f"{'--new' if options.base else '--base'}: must be given as well")
        return groups_by_option(options.base, options.new, options.variant)
    if len(options.paths) < 2:
        raise CliError(Exit.SPEC_OR_USAGE, "give the baseline and at least one path to compare with it, or the bundle "
                       f"of one study; {len(options.paths)} given")
    return groups_by_path(options.paths, options.variant)


def _print(found: Comparison, options: argparse.Namespace) -> None:
    if options.output == "json":
        print(to_json(found).decode(), end="")
    elif options.output == "markdown":
        print(to_markdown(found).decode(), end="")
    else:
        print_comparison(found, sys.stdout, every=options.all)
        if options.out is not None:
            print(printable(f"report: {options.out / REPORT_HTML}"))
