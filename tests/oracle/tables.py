"""Records what the HPA controller's own tests pass to it and get from it, as data for our model.

    python tests/oracle/tables.py

It copies upstream's package into a temporary folder and renames some functions there. Functions in tables/ take their
names, call the originals, and write down arguments and results. Upstream's tests run unchanged and must pass, so what
they got is what they expect. Nothing of upstream's code comes into this repository, only facts.
"""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson
from oracle_program import SOURCES, cache_folder

from elastometer_lab.build import COMPILE_FLAGS
from elastometer_lab.errors import LabError
from elastometer_lab.progress import Progress
from elastometer_lab.toolchain import environment, go_command, needed_version

TABLES = Path(__file__).parent / "tables"
DATA = Path(__file__).parent / "data"
MODULE, PACKAGE = "k8s.io/kubernetes", "pkg/controller/podautoscaler"
FILES = ("horizontal.go", "horizontal_test.go", "rate_limiters.go", "replica_calculator.go",
         "replica_calculator_test.go")
SUFFIX = "Upstream"
OURS = re.compile(r"^func (?:\([^)]*\) )?(\w+)\(", re.MULTILINE)
CALCULATOR = "^(TestReplicaCalc|TestPlainMetric|TestExternalPerPod|TestGroupPods|TestCalculate(Requests|PodRequests))"
"""Tests of the calculator run separately: controllers of other tests may keep running for a moment and interfere."""
EXCLUDED = "^(TestMultipleHPAs)$"
"""A thousand equal HPAs at once: that test is about the queue and not about decisions."""


def go(command: Path, folder: Path, *arguments: str, **variables: str) -> str:
    """Run a program in a folder, with variables added to its environment; returns what it printed."""
    done = subprocess.run((command, *arguments), cwd=folder, capture_output=True, text=True, check=False,
                          env={**environment(cache_folder()), **variables})
    if done.returncode:
        raise LabError(f"go {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-6000:]}")
    return done.stdout


def with_suffix(source: str, names: set[str]) -> str:
    """The source with these functions declared under another name, so that their callers find ours."""
    for name in names:
        source = re.sub(rf"(?m)^(func (?:\([^)]*\) )?{name})\(", rf"\1{SUFFIX}(", source)
    return source


def copy_package(upstream: Path, folder: Path) -> None:
    """Upstream's package with our functions, within a copy of our module."""
    shutil.copytree(SOURCES, folder)
    package = folder / "podautoscaler"
    package.mkdir()
    ours = sorted(TABLES.glob("*.go"))
    wrapped = {name for path in ours for name in OURS.findall(path.read_text())}
    calls = {name for name in wrapped if any(f"{name}{SUFFIX}(" in path.read_text() for path in ours)}
    for name in FILES:
        (package / name).write_text(with_suffix((upstream / name).read_text(), calls))
    for path in ours:  # as test files, because they need the types of upstream's tests
        shutil.copy(path, package / f"{path.stem}_test.go")


def cases(command: Path, folder: Path, progress: Progress) -> tuple[list[str], list[bytes]]:
    """Names of upstream's tests, and the recorded lines."""
    with progress.step("building upstream's tests with our recorder"):
        go(command, folder, "mod", "tidy")
        go(command, folder, "test", "-c", "-o", "recorded.test", *COMPILE_FLAGS, "./podautoscaler")
    program, lines = folder / "recorded.test", []
    names = go(program, folder, "-test.list", ".").split()
    for number, chosen in enumerate((("-test.run", CALCULATOR), ("-test.skip", f"{CALCULATOR}|{EXCLUDED}"))):
        file = folder / f"cases-{number}.jsonl"
        with progress.step(f"upstream's tests, part {number + 1} of 2"):
            go(program, folder, *chosen, HPA_CASES=str(file))
        lines += file.read_bytes().splitlines()
    place = {name: number for number, name in enumerate(names)}
    return names, sorted(lines, key=lambda line: (place[orjson.loads(line)["test"].split("/")[0]], line))


def main() -> int:
    """Writes the data; 2 where something cannot be built."""
    progress = Progress()
    try:
        command = go_command(cache_folder(), needed_version(SOURCES / "go.mod"), progress)
        where = go(command, SOURCES, "list", "-m", "-f", "{{.Dir}} {{.Version}}", MODULE).split()
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "module"
            copy_package(Path(where[0]) / PACKAGE, folder)
            names, lines = cases(command, folder, progress)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    header = {"source": f"{MODULE}/{PACKAGE}", "version": where[1], "licence": "Apache-2.0", "tests": sorted(names),
              "what": "arguments and results of the functions that its tests call; made by tests/oracle/tables.py"}
    DATA.mkdir(exist_ok=True)
    path = DATA / "upstream-tables.jsonl"
    path.write_bytes(b"\n".join((orjson.dumps(header), *lines)) + b"\n")
    progress.say(f"{len(lines)} cases of {len(names)} tests: {path}")
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
