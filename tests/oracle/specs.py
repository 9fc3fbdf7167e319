"""Draws valid and invalid HPA specs, and compares what the API server's own code makes of each with our parser.

    python tests/oracle/specs.py [--specs N] [--seed S] [--write FILE]

Agreement means: the same specs are refused, a single error is reported for the same field, and what our parser makes of
an accepted spec equals what it makes of the spec with the API server's defaults filled in. --write keeps the specs with
the answers.
"""
from __future__ import annotations

import argparse
import copy
import random
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from oracle_program import cache_folder, program

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import ControllerSettings
from elastometer.model.errors import SpecError
from elastometer_lab.progress import Progress

Json = dict[str, Any]
AVERAGE = {"type": "AverageValue", "averageValue": "2"}
VALUE = {"type": "Value", "value": "1500m"}
UTILIZATION = {"type": "Utilization", "averageUtilization": 70}
SCALED = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"},
          {"kind": "ReplicationController", "name": "x"}]
DESCRIBED = [{"apiVersion": "v1", "kind": "Service", "name": "front"}, {"kind": "Namespace", "name": "x"}]
RESOURCES = ["cpu", "memory", "example.com/gpu", "hugepages-2Mi", "pods", "kubernetes.io/x", "requests.cpu", "a b",
             "requests.x.y/z", "ephemeral-storage"]
NAMES = ["queue", "vllm:num_requests_waiting", "a/b", "..", "x%y"]
CONTAINERS = ["engine", "a" * 63, "a" * 64, "-a", "A"]
ODD = [None, 0, -1, 1, 7, 1.5, 1.0, "", "x", "0", "-5", "500m", "1e3", True, [], {}, ["a"], 2**31, 2**40, "Pods",
       "Value", "AverageValue", "apps/v1", "a/b/c", "/v1", "apps/", {"type": "Pods"}, "1x", "9" * 21]
NEW_KEYS = ["value", "averageValue", "averageUtilization", "pods", "external", "type", "tolerance", "unknown"]


class Drawing:
    """Specs from one seed: mostly valid, with at most two places corrupted."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def case(self) -> Json:
        """One spec, and whether the gate HPAScaleToZero is on."""
        spec = self.spec()
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            self.corrupt(spec)
        return {"scaleToZero": self.rng.random() < 0.5, "spec": spec}

    def pick(self, items: list[Any]) -> Any:
        """One of the items: nearly always the first, which is a valid one."""
        return copy.deepcopy(items[0] if self.rng.random() < 0.9 else self.rng.choice(items))

    def spec(self) -> Json:
        """A whole spec."""
        spec: Json = {"scaleTargetRef": self.pick(SCALED), "maxReplicas": self.pick([5, 10, 1])}
        if self.rng.random() < 0.6:
            spec["minReplicas"] = self.pick([1, 2, 0, 6])
        if self.rng.random() < 0.9:
            spec["metrics"] = [self.metric() for _ in range(self.rng.choice([0, 1, 1, 1, 2]))]
        if self.rng.random() < 0.5:
            spec["behavior"] = {key: self.rules() for key in ("scaleUp", "scaleDown") if self.rng.random() < 0.7}
        return spec

    def metric(self) -> Json:
        """One metric of any type, with a target that may not fit it."""
        kind = self.rng.choice(["Resource", "ContainerResource", "Pods", "Object", "External"])
        if kind in ("Resource", "ContainerResource"):
            source = {"name": self.pick(RESOURCES), "target": self.pick([UTILIZATION, AVERAGE, VALUE])}
        else:
            source = {"metric": {"name": self.pick(NAMES)}, "target": self.pick([AVERAGE, VALUE, UTILIZATION])}
        if kind == "ContainerResource":
            source["container"] = self.pick(CONTAINERS)
        if kind == "Object":
            source["describedObject"] = self.pick(DESCRIBED)
        return {"type": kind, kind[0].lower() + kind[1:]: source}

    def rules(self) -> Json:
        """The rules of one direction; each field is present or absent at random."""
        rules = {
            "stabilizationWindowSeconds": self.pick([0, 60, 3600, 3601, -1]),
            "selectPolicy": self.pick(["Max", "Min", "Disabled", "max", ""]),
            "policies": [{"type": self.pick(["Percent", "Pods", "pods"]), "value": self.pick([4, 1, 0, -1]),
                          "periodSeconds": self.pick([15, 1800, 1801, 0])} for _ in range(self.pick([1, 2, 0]))],
            "tolerance": self.pick(["100m", "0.1", "0", 0.05, "-1", "x"]),
        }
        return {key: value for key, value in rules.items() if self.rng.random() < 0.6}

    def corrupt(self, spec: Json) -> None:
        """Remove a field or an item, replace it by something odd, or add a field."""
        *way, last = self.rng.choice(list(_places(spec, ())))
        node: Any = spec
        for key in way:
            node = node[key]
        draw = self.rng.random()
        if draw < 0.3:
            del node[last]
        elif draw < 0.9 or not isinstance(node, dict):
            node[last] = copy.deepcopy(self.rng.choice(ODD))
        else:
            node[self.rng.choice(NEW_KEYS)] = copy.deepcopy(self.rng.choice([*ODD, AVERAGE]))


def _places(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The paths of everything within a document."""
    if path:
        yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from _places(node[key], (*path, key))


def answers(cases: list[Json], oracle: Path) -> list[Json]:
    """What the API server's code makes of each spec: it with defaults, or the fields that are wrong."""
    with tempfile.TemporaryDirectory() as folder:
        questions, results = Path(folder) / "questions.jsonl", Path(folder) / "results.jsonl"
        questions.write_bytes(b"".join(orjson.dumps(case) + b"\n" for case in cases))
        subprocess.run((oracle, "-test.run=^TestSpecs$", f"-specs={questions}", f"-out={results}"), check=True,
                       capture_output=True)
        return [orjson.loads(line) for line in results.read_bytes().splitlines()]


def difference(case: Json, answer: Json) -> str | None:
    """How the two disagree about one spec; None where they do not."""
    settings = ControllerSettings(scale_to_zero=case["scaleToZero"])
    try:
        ours = parse_hpa({"spec": case["spec"]}, settings)
    except SpecError as error:
        if "spec" in answer:
            return f"only we refuse it: {error}"
        fields, found = set(answer.get("fields", ())), {flaw.partition(":")[0] for flaw in error.flaws}
        # With several errors the two may stop at different ones, which is no disagreement.
        return f"{fields} is wrong, we say {found}" if len(fields) == 1 and not fields <= found else None
    if "spec" not in answer:
        return f"only the API server refuses it: {answer}"
    return None if ours == parse_hpa({"spec": answer["spec"]}, settings) else "the defaults differ"


def main() -> int:
    """Draws, compares and reports; 1 where something differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", type=int, default=20_000, help="how many specs to draw (20000)")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="repeats a draw (default: a new one)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="where to keep the specs with the answers")
    options = parser.parse_args()
    drawing = Drawing(options.seed)
    cases = [drawing.case() for _ in range(options.specs)]
    results = answers(cases, program(cache_folder(), Progress()))
    if options.write:
        options.write.write_bytes(b"".join(
            orjson.dumps({**case, "answer": answer}) + b"\n" for case, answer in zip(cases, results, strict=True)))
    found = [(case, text) for case, answer in zip(cases, results, strict=True) if (text := difference(case, answer))]
    for case, text in found[:10]:
        print(f"{text}: {orjson.dumps(case).decode()}")
    accepted = sum("spec" in answer for answer in results)
    print(f"seed {options.seed}: {len(cases)} specs, {accepted} accepted: {len(cases) - len(found)} agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
