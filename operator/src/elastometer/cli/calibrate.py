"""`elastometer calibrate`: makes the test that calibrates the server of another test. Needs no cluster, unless it is to
run it."""
from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import orjson
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.base.manifest_file import read_test
from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.options import add_cluster_options, positive_count
from elastometer.model.calibration_plan import STEP_SECONDS, Search, calibration_name, calibration_test
from elastometer_loadgen.stages.knee import KneeVariable

_EXAMPLES = """\
The test that is printed has the same target and tasks, one replica that nothing scales, and a load that rises in steps
until an objective fails or all slots are long busy. Its report has the capacity of one replica; tests that refer to it
in spec.demand.calibrationRef are judged by it.

examples:
  elastometer calibrate test.yaml > calibration.yaml
  elastometer calibrate test.yaml --run -n staging                    # and follows it, as `elastometer run` does
  elastometer calibrate test.yaml --replicas 2 --run                  # whether two replicas serve twice as much
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (f"{_EXAMPLES}\nexit codes: 0 printed, 2 wrong usage or rejected spec; with --run those of "
                     "`elastometer run`")
    parser.add_argument("file", metavar="FILE", help="YAML with one ElasticityTest, or -")
    parser.add_argument("--of", choices=list(KneeVariable), type=KneeVariable, default=KneeVariable.USERS,
                        help="what rises: Users, for a server of any speed, or Rate, in whole requests per second "
                             "(default: Users)")
    for name, what in (("start", "first step"), ("step", "how much each step is higher"), ("maximum", "last step")):
        parser.add_argument(f"--{name}", type=positive_count, metavar="N",
                            help=f"{what} (default: by the server's slots)")
    lengths = ", ".join(f"{seconds} for {of}" for of, seconds in STEP_SECONDS.items())
    parser.add_argument("--step-seconds", type=positive_count, metavar="SECONDS",
                        help=f"length of a step; many times that of an answer (default: {lengths})")
    parser.add_argument("--replicas", type=positive_count, default=1, metavar="N",
                        help="replicas; 2 checks whether two serve twice as much as one (default: 1)")
    parser.add_argument("--run", action="store_true", help="run it at once, as `elastometer run -` does")
    add_cluster_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="with --run: where its bundle goes")
    parser.add_argument("--output", choices=("yaml", "json"), default="yaml", help="form of the test (default: yaml)")


def execute(options: argparse.Namespace) -> int:
    """Prints the test, or runs it; what to do with it goes to standard error."""
    test = read_test(options.file)
    made = calibration_test(test, Search(
        options.of, options.start, options.step, options.maximum, options.step_seconds, options.replicas))
    checked_spec(options.file, made)
    text = yaml.safe_dump(made, sort_keys=False, allow_unicode=True)
    code = _run(text, options) if options.run else int(Exit.PASSED)
    if not options.run:
        print(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() if options.output == "json" else text.rstrip())
    one = calibration_name(test["metadata"]["name"])
    then = "" if options.run else "run it with `elastometer run`; "
    print(f"{then}then give the test spec.demand: {{calibrationRef: {{name: {one}}}}}", file=sys.stderr)
    return code


def _run(text: str, options: argparse.Namespace) -> int:
    """Runs the test by the command that runs tests, in a process of its own: a command knows no other command."""
    given = {"--namespace": options.namespace, "--context": options.context, "--kubeconfig": options.kubeconfig,
             "--out": options.out}
    more = [f"{name}={value}" for name, value in given.items() if value is not None]
    command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", *more]
    return subprocess.run(command, input=text, text=True, check=False).returncode
