"""Draws HPA specs, right and wrong, and compares what the API server's own code makes of each with our parser.

    python tests/oracle/specs.py [--specs N] [--seed S] [--write FILE]

Agreement means: the same specs are refused, a flaw that stands alone is found in the same field, and what is accepted
is the same as what the API server's defaulting makes of it. --write keeps the specs with the answers.
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
          {"kind": "ReplicationController", "name": "x"}]  # fmt: skip
DESCRIBED = [{"apiVersion": "v1", "kind": "Service", "name": "front"}, {"kind": "Namespace", "name": "x"}]
RESOURCES = ["cpu", "memory", "example.com/gpu", "hugepages-2Mi", "pods", "kubernetes.io/x", "requests.cpu", "a b",
             "requests.x.y/z", "ephemeral-storage"]  # fmt: skip
NAMES = ["queue", "vllm:num_requests_waiting", "a/b", "..", "x%y"]
CONTAINERS = ["engine", "a" * 63, "a" * 64, "-a", "A"]
ODD = [None, 0, -1, 1, 7, 1.5, 1.0, "", "x", "0", "-5", "500m", "1e3", True, [], {}, ["a"], 2**31, 2**40, "Pods",
       "Value", "AverageValue", "apps/v1", "a/b/c", "/v1", "apps/", {"type": "Pods"}, "1x", "9" * 21]  # fmt: skip
NEW_KEYS = ["value", "averageValue", "averageUtilization", "pods", "external", "type", "tolerance", "unknown"]


class Drawing:
    """Specs from one seed: mostly right, with at most two places spoiled."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def case(self) -> Json:
        spec = self.spec()
        for _ in range(self.chance.choice([0, 1, 1, 2])):
            self.spoil(spec)
        return {"scaleToZero": self.chance.random() < 0.5, "spec": spec}

    def pick(self, items: list[Any]) -> Any:
        """Nearly always the first."""
        return copy.deepcopy(items[0] if self.chance.random() < 0.9 else self.chance.choice(items))

    def spec(self) -> Json:
        spec: Json = {"scaleTargetRef": self.pick(SCALED), "maxReplicas": self.pick([5, 10, 1])}
        if self.chance.random() < 0.6:
            spec["minReplicas"] = self.pick([1, 2, 0, 6])
        if self.chance.random() < 0.9:
            spec["metrics"] = [self.metric() for _ in range(self.chance.choice([0, 1, 1, 1, 2]))]
        if self.chance.random() < 0.5:
            spec["behavior"] = {key: self.rules() for key in ("scaleUp", "scaleDown") if self.chance.random() < 0.7}
        return spec

    def metric(self) -> Json:
        kind = self.chance.choice(["Resource", "ContainerResource", "Pods", "Object", "External"])
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
        rules = {
            "stabilizationWindowSeconds": self.pick([0, 60, 3600, 3601, -1]),
            "selectPolicy": self.pick(["Max", "Min", "Disabled", "max", ""]),
            "policies": [{"type": self.pick(["Percent", "Pods", "pods"]), "value": self.pick([4, 1, 0, -1]),
                          "periodSeconds": self.pick([15, 1800, 1801, 0])} for _ in range(self.pick([1, 2, 0]))],
            "tolerance": self.pick(["100m", "0.1", "0", 0.05, "-1", "x"]),
        }
        return {key: value for key, value in rules.items() if self.chance.random() < 0.6}

    def spoil(self, spec: Json) -> None:
        """Takes a place away, puts something odd into it, or adds a field."""
        *way, last = self.chance.choice(list(_places(spec, ())))
        node: Any = spec
        for key in way:
            node = node[key]
        lot = self.chance.random()
        if lot < 0.3:
            del node[last]
        elif lot < 0.9 or not isinstance(node, dict):
            node[last] = copy.deepcopy(self.chance.choice(ODD))
        else:
            node[self.chance.choice(NEW_KEYS)] = copy.deepcopy(self.chance.choice([*ODD, AVERAGE]))


def _places(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from _places(node[key], (*path, key))


def answers(cases: list[Json], oracle: Path) -> list[Json]:
    """What the API server's code makes of each."""
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "asked.jsonl", Path(folder) / "told.jsonl"
        asked.write_bytes(b"".join(orjson.dumps(case) + b"\n" for case in cases))
        subprocess.run((oracle, "-test.run=^TestSpecs$", f"-specs={asked}", f"-out={told}"), check=True,
                       capture_output=True)  # fmt: skip
        return [orjson.loads(line) for line in told.read_bytes().splitlines()]


def difference(case: Json, answer: Json) -> str | None:
    """How the two disagree about one spec; None where they do not."""
    settings = ControllerSettings(scale_to_zero=case["scaleToZero"])
    try:
        ours = parse_hpa({"spec": case["spec"]}, settings)
    except SpecError as error:
        if "spec" in answer:
            return f"only we refuse it: {error}"
        fields, found = set(answer.get("fields", ())), {flaw.partition(":")[0] for flaw in error.flaws}
        return f"{fields} is wrong, we say {found}" if len(fields) == 1 and not fields <= found else None
    if "spec" not in answer:
        return f"only the API server refuses it: {answer}"
    return None if ours == parse_hpa({"spec": answer["spec"]}, settings) else "the defaults differ"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    drawing = Drawing(options.seed)
    cases = [drawing.case() for _ in range(options.specs)]
    told = answers(cases, program(cache_folder(), Progress()))
    if options.write:
        options.write.write_bytes(b"".join(
            orjson.dumps({**case, "answer": answer}) + b"\n" for case, answer in zip(cases, told, strict=True)))
    found = [(case, text) for case, answer in zip(cases, told, strict=True) if (text := difference(case, answer))]
    for case, text in found[:10]:
        print(f"{text}: {orjson.dumps(case).decode()}")
    accepted = sum("spec" in answer for answer in told)
    print(f"seed {options.seed}: {len(cases)} specs, {accepted} accepted: {len(cases) - len(found)} agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
