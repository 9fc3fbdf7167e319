"""`elastometer calibrate`: makes the test that calibrates the server of another test. Needs no cluster."""
from __future__ import annotations

import argparse
import sys

import orjson
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.base.manifest_file import read_test
from elastometer.cli.base.offline import checked_spec
from elastometer.cli.base.options import positive_count
from elastometer.model.calibration_plan import STEP_SECONDS, Search, calibration_name, calibration_test
from elastometer_loadgen.stages.knee import KneeVariable

_EXAMPLES = """\
The test that is printed has the same target and tasks, one replica that nothing scales, and a load that rises in steps
until an objective fails or all slots are long busy. Its report has the capacity of one replica; tests that refer to it
in spec.demand.calibrationRef are judged by it.

examples:
  elastometer calibrate test.yaml > calibration.yaml
  elastometer calibrate test.yaml | elastometer run -
  elastometer calibrate test.yaml --replicas 2 | elastometer run -    # whether two replicas serve twice as much
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\nexit codes: 0 printed, 2 wrong usage or rejected spec"
    parser.add_argument("file", metavar="FILE", help="YAML with one ElasticityTest, or -")
    parser.add_argument("--of", choices=list(KneeVariable), type=KneeVariable, default=KneeVariable.USERS,
                        help="what rises: Users, for a server of any speed, or Rate, in whole requests per second "
                             "(default: Users)")
    for name, what in (("start", "first step"), ("step", "how much each step is higher"), ("maximum", "last step")):
        parser.add_argument(f"--{name}", type=positive_count, metavar="N",
                            help=f"{what} (default: by the server's slots)")
    parser.add_argument("--step-seconds", type=positive_count, default=STEP_SECONDS, metavar="SECONDS",
                        help=f"length of a step; many times that of an answer (default: {STEP_SECONDS})")
    parser.add_argument("--replicas", type=positive_count, default=1, metavar="N",
                        help="replicas; 2 checks whether two serve twice as much as one (default: 1)")
    parser.add_argument("--output", choices=("yaml", "json"), default="yaml", help="form of the test (default: yaml)")


def execute(options: argparse.Namespace) -> Exit:
    """Prints the test; what to do with it goes to standard error."""
    test = read_test(options.file)
    made = calibration_test(test, Search(
        options.of, options.start, options.step, options.maximum, options.step_seconds, options.replicas))
    checked_spec(options.file, made)
    if options.output == "json":
        print(orjson.dumps(made, option=orjson.OPT_INDENT_2).decode())
    else:
        print(yaml.safe_dump(made, sort_keys=False, allow_unicode=True), end="")
    one = calibration_name(test["metadata"]["name"])
    print(f"run it with `elastometer run`; then give the test spec.demand: {{calibrationRef: {{name: {one}}}}}",
          file=sys.stderr)
    return Exit.PASSED
