"""`elastometer judge`: judges a recorded run again, or compares the runs of a study again, with the analysis of this
version. Needs no cluster."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from elastometer.cli.base.exits import CliError, Exit, exit_of_verdict
from elastometer.cli.base.files import write_files
from elastometer.cli.base.options import add_output_option
from elastometer.cli.base.summary import answer_lines, finding_lines, objective_lines, story_lines, summary_rows
from elastometer.cli.base.text import printable
from elastometer.cli.studies.asked import Asked
from elastometer.cli.studies.bundles import is_study
from elastometer.cli.studies.record import compare_record
from elastometer.cli.studies.text import print_comparison
from elastometer.judgement import judge
from elastometer.model.bundle_files import REPORT_HTML, REPORT_JSON
from elastometer.model.price import Price
from elastometer.render.files import render_all
from elastometer.render.study.files import render_study, to_json
from elastometer.render.wording import prices
from elastometer.world.bundle_reader import BundleError, load_bundle

_EXAMPLES = """\
Use it to see a recorded run through the analysis of a newer version, or to get its report again.

examples:
  elastometer judge runs/demo-20260101T000000Z --out again
  elastometer judge bundle.tar.zst --output json | jq .verdict
  elastometer judge runs/autoscalers-20260101T000000Z --out again          # a study: compares the reports of its runs
  elastometer judge runs/autoscalers-20260101T000000Z --out again --runs   # judges each of its runs first
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\n{parser.epilog}"
    parser.add_argument("bundle", type=Path, metavar="BUNDLE",
                        help="directory or .tar.zst of a run, or directory of a study")
    parser.add_argument("--runs", action="store_true",
                        help="of a study, judge every run again, instead of reusing its report")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json, .md, .html and junit.xml there")
    add_output_option(parser)


def execute(options: argparse.Namespace) -> Exit:
    """Judges, writes the report if `--out` is given, and prints the verdict; `--output json` prints report.json."""
    if is_study(options.bundle):
        return _judge_study(options)
    if options.runs:
        raise CliError(Exit.SPEC_OR_USAGE, f"--runs: must come with the directory of a study, is with {options.bundle}")
    try:
        report = judge(load_bundle(options.bundle))
    except (BundleError, OSError) as error:
        raise CliError(Exit.SPEC_OR_USAGE, str(error)) from error
    files = render_all(report)
    if options.out is not None:
        write_files(files, options.out, "the report")
    content = orjson.loads(files[REPORT_JSON])
    if options.output == "json":
        print(files[REPORT_JSON].decode())
    else:
        print("\n".join(in_words(content, report.price, options.bundle, options.out)))
    return exit_of_verdict(content.get("verdict"))


def _judge_study(options: argparse.Namespace) -> Exit:
    """Compares the runs. With `--runs` and `--out`, each run's new report is written too, where the page links it."""
    found = compare_record(options.bundle, Asked(again=options.runs), out=options.out)
    if options.out is not None:
        # The pages of the runs lie there only if they were written now, or lay there before.
        has_pages = options.runs or options.out.resolve() == options.bundle.resolve()
        write_files(render_study(found, has_pages=has_pages), options.out, "the report")
    if options.output == "json":
        print(to_json(found).decode(), end="")
    else:
        print_comparison(found, sys.stdout)
        if options.out is not None:
            print(printable(f"report: {options.out / REPORT_HTML}"))
    return exit_of_verdict(found.verdict)


def in_words(report: dict[str, Any], price: Price | None, bundle: Path, out: Path | None) -> list[str]:
    """The most important lines of the report as text."""
    lines = [f"{bundle}: {report.get('verdict') or 'no verdict'} ({report.get('verdictMessage') or 'no reason given'})"]
    lines += story_lines(report.get("story") or {})
    lines += objective_lines(report.get("objectives") or ())
    rows = [*summary_rows(report.get("summary") or {}), *prices.summary_rows(price)]
    lines += [f"  {label:<24}{text}" for label, text in rows]
    lines += answer_lines(report.get("answers") or ())
    lines += finding_lines(report.get("findings") or ())
    if out is not None:
        lines.append(f"report: {out / REPORT_HTML}")
    return [printable(line) for line in lines]
