"""`elastometer score`: the elasticity metrics of two step functions, a demand and a supply. Needs no cluster."""
from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from elastometer.analysis.elasticity.curve_file import read_curve
from elastometer.analysis.elasticity.scorecard import scorecard
from elastometer.analysis.evidence.steps import Steps
from elastometer.cli.base.exits import CliError, Exit
from elastometer.cli.base.options import positive_number
from elastometer.cli.base.text import columns
from elastometer.model.elasticity import Scorecard
from elastometer.model.errors import SpecError
from elastometer.model.read_back import camel_case

_EXAMPLES = """\
Each file has one line t,value for each change: the value holds from t until the next line. t is in seconds from the
start, and the first line must be at 0 or before. A header, empty lines and lines that begin with # are allowed.

examples:
  elastometer score --demand d.csv --supply s.csv --until 20
  elastometer score --demand d.csv --supply s.csv --until 600 --unit 15 --output text
"""
# The name of each number, and the text it stands under.
TEXTS = {
    "thetaUnder": "missing, average (theta_U)", "thetaOver": "idle, average (theta_O)",
    "thetaUnderNormalized": "missing, share of demand", "thetaOverNormalized": "idle, share of demand",
    "tauUnder": "share of time with too few (tau_U)", "tauOver": "share of time with too many (tau_O)",
    "areaUnder": "missing, area", "areaOver": "idle, area", "demandEvents": "changes of the demand",
    "supplyEvents": "changes of the supply", "jitter": "jitter per unit of time",
    "jitterPerMinute": "jitter per minute", "instability": "instability (upsilon)",
    "inertia": "inertia (upsilon')",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\nexit codes: 0 printed, 2 wrong usage or a flaw in a file"
    for name, what in (("demand", "replicas that are needed"), ("supply", "replicas that there are")):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="FILE", help=f"{what}, as t,value")
    parser.add_argument("--until", type=positive_number, required=True, metavar="T",
                        help="where the time ends, in seconds")
    parser.add_argument("--unit", type=positive_number, default=1.0, metavar="SECONDS",
                        help="unit of time of jitter, and length of the cells of instability (default: 1)")
    parser.add_argument("--output", choices=("json", "text"), default="json", help="form of the result (default: json)")


def execute(options: argparse.Namespace) -> Exit:
    """Prints the scorecard."""
    demand, supply = _curves(options)
    card = document(scorecard(demand, supply, 0.0, options.until, options.unit), options.until)
    if options.output == "json":
        print(orjson.dumps(card, option=orjson.OPT_INDENT_2).decode())
    else:
        print("\n".join(columns((text, _figure(card[name])) for name, text in TEXTS.items())))
    return Exit.PASSED


def document(card: Scorecard, until: float) -> dict[str, Any]:
    """The scorecard by the names of its metrics. Jitter is given per unit of time as well, as it is published."""
    found = {camel_case(name): value for name, value in asdict(card).items()}
    unit = found.pop("unitSeconds")
    return {"until": until, "unit": unit, **found, "jitter": (card.supply_events - card.demand_events) * unit / until}


def _curves(options: argparse.Namespace) -> tuple[Steps, Steps]:
    """Both functions. Raises CliError with the flaws of both files."""
    found: list[Steps] = []
    flaws: list[str] = []
    for path in (options.demand, options.supply):
        try:
            found.append(read_curve(path.read_text(encoding="utf-8"), str(path)))
        except SpecError as error:
            flaws += error.flaws
        except (OSError, UnicodeDecodeError) as error:
            flaws.append(f"{path}: must be a readable text file in UTF-8 ({error})")
    if flaws:
        raise CliError(Exit.SPEC_OR_USAGE, *flaws)
    demand, supply = found
    return demand, supply


def _figure(value: float | None) -> str:
    return "none: fewer than two cells" if value is None else f"{value:.6g}"
