"""`elastometer tune`: makes the study that looks for better settings of a test's autoscaler, and follows it."""
from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.base.manifest_file import Manifest, read_test
from elastometer.cli.base.offline_study import checked_study
from elastometer.cli.base.options import add_cluster_options, positive_count
from elastometer.model.names import API_VERSION, MAX_TEST_NAME, STUDY_KIND
from elastometer.model.study import DEFAULT_CANDIDATES, DEFAULT_CONFIRM
from elastometer.model.study_names import tuned_name

BASE, SUFFIX = "base", "-tune"
_EXAMPLES = """\
The study runs the test as it is. Then the simulator, fitted to that run, tries many settings of the autoscaler within
the same maximum: targets, windows, policies, tolerances, the minimum and the metric. The best are run as further
variants, and the report shows for each what was predicted beside what was measured, and the patch of the best one.

examples:
  elastometer tune test.yaml
  elastometer tune test.yaml --confirm 4 --repetitions 3 --maximum-gpu-seconds 2000 -n staging
  elastometer tune test.yaml --print > study.yaml                # to change it first; then: elastometer run study.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"{_EXAMPLES}\nexit codes: those of `elastometer run`; with --print 0, or 2 for a rejected spec"
    parser.add_argument("file", metavar="TEST.yaml", help="YAML with one ElasticityTest, or -")
    parser.add_argument("--candidates", type=positive_count, default=DEFAULT_CANDIDATES, metavar="N",
                        help=f"how many settings the simulator tries (default: {DEFAULT_CANDIDATES})")
    parser.add_argument("--confirm", type=positive_count, default=DEFAULT_CONFIRM, metavar="N",
                        help=f"how many of the best are run (default: {DEFAULT_CONFIRM})")
    parser.add_argument("--repetitions", type=positive_count, default=1, metavar="N",
                        help="how often each variant is run; the noise between runs is known from 3 on (default: 1)")
    parser.add_argument("--maximum-gpu-seconds", type=positive_count, metavar="N",
                        help="the most that a variant may be predicted to use in one run")
    parser.add_argument("--name", help=f"name of the study (default: that of the test with {SUFFIX})")
    parser.add_argument("--print", action="store_true", help="print the study instead of running it")
    add_cluster_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where its bundle goes")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write the variants as JUnit XML")
    parser.add_argument("--output", choices=("text", "json"), default="text",
                        help="form of the result; with --print, json prints the study as JSON (default: text)")


def execute(options: argparse.Namespace) -> int:
    """Checks the study as the API server would, then prints or runs it."""
    study = tune_study(read_test(options.file), options)
    checked_study(options.file, study)
    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
    if options.print:
        print(orjson.dumps(study, option=orjson.OPT_INDENT_2).decode() if options.output == "json" else text.rstrip())
        return int(Exit.PASSED)
    return _run(text, options)


def tune_study(test: Manifest, options: argparse.Namespace) -> Manifest:
    """The ElasticityStudy whose only given variant is the test as it is."""
    metadata = test["metadata"]
    # The names of the runs are made of the study's name, and have no more characters than that of a test.
    longest = len(SUFFIX) + len(f"-{tuned_name(options.confirm)}-{options.repetitions}")
    name = options.name or metadata["name"][:MAX_TEST_NAME - longest].rstrip("-") + SUFFIX
    tuned: dict[str, Any] = {"from": BASE, "candidates": options.candidates, "confirm": options.confirm}
    if options.maximum_gpu_seconds is not None:
        tuned["maximumGpuSeconds"] = options.maximum_gpu_seconds
    kept = {key: metadata[key] for key in ("namespace", "labels") if key in metadata}
    return {
        "apiVersion": API_VERSION, "kind": STUDY_KIND, "metadata": {"name": name, **kept},
        "spec": {"template": test.get("spec"), "variants": [{"name": BASE}], "baseline": BASE,
                 "repetitions": options.repetitions, "tune": tuned},
    }


def _run(text: str, options: argparse.Namespace) -> int:
    """Runs the study by the command that runs studies, in a process of its own: a command knows no other command."""
    given = {"--namespace": options.namespace, "--context": options.context, "--kubeconfig": options.kubeconfig,
             "--out": options.out, "--junit": options.junit, "--output": options.output}
    more = [f"{name}={value}" for name, value in given.items() if value is not None]
    command = [sys.executable, "-m", "elastometer.cli.main", "run", "-", *more]
    return subprocess.run(command, input=text, text=True, check=False).returncode
