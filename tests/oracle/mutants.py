"""Breaks each rule of the model in turn, in a copy of it, and shows which drawn world notices that first.

    python tests/oracle/mutants.py [TRACES]

Without TRACES it uses the worlds that are kept in git.

A mutant that no world notices is a rule that the worlds do not test: exit code 1. A mutant counts as noticed at its
first difference in a decision, a condition or an event; differences in accounts do not count.
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parent / "data" / "drawn-worlds.jsonl.zst"
PACKAGE = Path(__file__).parents[2] / "operator" / "src" / "elastometer"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A piece of text in a module of the model, and the wrong text that replaces it."""

    rule: str
    module: str
    right: str
    wrong: str


MUTANTS = (
    Mutant("tolerance holds at its very edge", "tolerance", "<= 1.0 + self.up", "< 1.0 + self.up"),
    Mutant("scale-in has its own tolerance", "tolerance", "1.0 - self.down", "1.0 - self.up"),
    Mutant("the behavior's tolerance counts", "tolerance", "general if up is None else up", "general"),
    Mutant("Pods that are being deleted are ignored", "grouping", 'pod.deleting or phase == "Failed"',
           'phase == "Failed"'),
    Mutant("failed Pods are ignored", "grouping", 'pod.deleting or phase == "Failed"', "pod.deleting"),
    Mutant("Pending Pods are not ready", "grouping", 'phase == "Pending"', 'phase == "Waiting"'),
    Mutant("readiness counts for the CPU only", "grouping", "if resource == CPU else None", "if resource else None"),
    Mutant("a sample from before a Pod was ready does not count", "grouping",
           "transition + sample.window", "transition"),
    Mutant("a Pod that was ready once counts", "grouping",
           "not pod.ready and pod.start + controller.initial_readiness", "pod.start + controller.initial_readiness"),
    Mutant("a total is for Pods that are Running", "grouping", 'pod.ready and pod.phase == "Running"', "pod.ready"),
    Mutant("missing Pods are idle on the way up", "per_pod", "counted.update(dict.fromkeys(groups.missing, 0))",
           "counted.update((name, scale.assumed(name)) for name in groups.missing)"),
    Mutant("missing Pods use all on the way down", "per_pod", "max(100, self.target)", "min(100, self.target)"),
    Mutant("Pods that are not ready are idle on the way up", "per_pod",
           "counted.update(dict.fromkeys(groups.unready, 0))", "counted.update({})"),
    Mutant("assumptions do not turn the direction", "per_pod", "tolerances.hold(damped_ratio) or turned",
           "tolerances.hold(damped_ratio)"),
    Mutant("assumptions do not turn the number", "per_pod", "return current if against else replicas",
           "return replicas"),
    Mutant("utilization is whole percent", "per_pod", "divide(float(percent), float(self.target)), percent",
           "divide(used * 100 / requested, float(self.target)), percent"),
    Mutant("a mean is whole milli-units", "per_pod", "divide(float(mean), float(self.target)), mean",
           "divide(sum(values.values()) / len(values), float(self.target)), mean"),
    Mutant("every Pod must request the resource", "per_pod", "            return None\n        requests[pod.name]",
           "            continue\n        requests[pod.name]"),
    Mutant("an average is over the status's replicas", "whole", "float(metric.target), look.status_replicas",
           "float(metric.target), look.spec_replicas"),
    Mutant("a total is multiplied with the ready Pods", "whole", "exact = ratio * ready", "exact = ratio * current"),
    Mutant("series are added up", "whole", "total = int64(total + value)", "total = max(total, value)"),
    Mutant("the highest proposal counts", "combine", "one.replicas > highest", "one.replicas < highest"),
    Mutant("no scale-in while a metric is missing", "combine", "failed and highest < look.spec_replicas",
           "failed and highest < 0"),
    Mutant("the first sync recommends the present replicas", "step",
           "state.recommendations or (Recommendation(look.at, current),)", "state.recommendations"),
    Mutant("zero replicas disable", "step", "current == 0 and spec.minimum != 0", "current == 0 and False"),
    Mutant("above the maximum it is cut", "step", "current > spec.maximum", "current > spec.maximum + 1"),
    Mutant("below the minimum it is raised", "step", "current < spec.minimum", "current < spec.minimum - 1"),
    Mutant("a failed sync keeps the old conditions", "step", "{**state.conditions, ABLE: _GOT_SCALE}",
           "{ABLE: _GOT_SCALE}"),
    Mutant("a refused update is no rescale", "step", "desired != current and look.update_error is not None",
           "desired != current and False"),
    Mutant("scale-ins are remembered", "step",
           "limits.remember(downs, spec.behavior.scale_down, look.at, current - desired)", "downs"),
    Mutant("what was added in the period counts", "limits", "int32(current - _changed(state.scale_ups, cutoff)",
           "int32(current"),
    Mutant("what was removed in the period counts", "limits", "+ _changed(state.scale_downs, cutoff))", ")"),
    Mutant("a period excludes its far end", "limits", "cutoff = at - period + SAME_INSTANT",
           "cutoff = at - period - SAME_INSTANT"),
    Mutant("Min takes the least of several policies", "limits", "return min(allowed) if least else max(allowed)",
           "return max(allowed)"),
    Mutant("Min takes the least on the way down", "limits", "return max(allowed) if least else min(allowed)",
           "return min(allowed)"),
    Mutant("percent of added Pods are rounded up", "limits", "ceiling32(began * (1 +", "truncated32(began * (1 +"),
    Mutant("percent of removed Pods are rounded down", "limits", "truncated32(began * (1 -", "ceiling32(began * (1 -"),
    Mutant("without a behavior four are always allowed", "limits", "_FACTOR, _ALWAYS = 2.0, 4.0",
           "_FACTOR, _ALWAYS = 2.0, 3.0"),
    Mutant("without a behavior it doubles at most", "limits", "_FACTOR, _ALWAYS = 2.0, 4.0",
           "_FACTOR, _ALWAYS = 2.5, 4.0"),
    Mutant("a disabled direction stays", "limits", "return current\n    least = rules.select is SelectPolicy.MIN\n"
           "    allowed = [INT32_MAX", "return INT32_MAX\n    least = rules.select is SelectPolicy.MIN\n"
           "    allowed = [INT32_MAX"),
    Mutant("the window of scale-in includes its far end without a behavior", "stabilize",
           "cutoff = at - window - SAME_INSTANT", "cutoff = at - window + SAME_INSTANT"),
    Mutant("the window of scale-in excludes its far end with a behavior", "stabilize",
           "up + SAME_INSTANT, down + SAME_INSTANT,", "up + SAME_INSTANT, down - SAME_INSTANT,"),
    Mutant("scale-out has a window too", "stabilize", "min(max(current, lowest), highest)",
           "min(max(current, new.replicas), highest)"),
    Mutant("an absent window is the controller's flag, in whole seconds", "stabilize",
           "int(window) if down is None", "300 if down is None"),
    Mutant("a recommendation is kept as long as one of the windows sees it", "stabilize",
           "min(cutoffs) - SAME_INSTANT", "max(cutoffs) - SAME_INSTANT"),
    Mutant("a float beyond 32 bits is the least integer", "arithmetic", "<= 2147483647.0 else INT32_MIN",
           "<= 2147483647.0 else INT32_MAX"),
    Mutant("a quantity is rounded up", "quantity", "value = -(-abs(unscaled) // int(10**-shift))",
           "value = abs(unscaled) // int(10**-shift)"),
)

REPLAY = """
import sys
from pathlib import Path
from elastometer.hpa.replay import ACCOUNTS, replay
from elastometer.world.trace_reader import read_recordings
for recording in read_recordings(Path(sys.argv[1])):
    print(recording.name)
    result = replay(recording)
    if any(found.same < found.of for part, found in result.agreement.items() if part != ACCOUNTS):
        sys.exit(f"sync {result.divergence.index}: {', '.join(result.divergence.parts)}")
"""
"""Prints the name of each world, and fails at the first that differs or cannot be replayed.

Run in a process of its own, because the mutated package must not mix with the real one that is imported here.
"""


def first_difference(mutant: Mutant, traces: Path) -> str:
    """The first difference that a mutant makes, in words; empty if it makes no difference."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "elastometer"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
        module = copy / "hpa" / f"{mutant.module}.py"
        text = module.read_text()
        if text.count(mutant.right) != 1:
            raise SystemExit(f"{mutant.rule}: {mutant.module}.py does not have {mutant.right!r} exactly once; "
                             "change the table in tests/oracle/mutants.py")
        module.write_text(text.replace(mutant.right, mutant.wrong))
        done = subprocess.run((sys.executable, "-c", REPLAY, str(traces)), capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode == 0:
        return ""
    return f"{done.stdout.splitlines()[-1]}: {done.stderr.strip().splitlines()[-1]}"


def first_differences(traces: Path) -> list[str]:
    """The first difference that each mutant makes, in words that begin with the world's name and a colon."""
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda mutant: first_difference(mutant, traces.absolute()), MUTANTS))


def main() -> int:
    """Prints what notices each mutant; 1 where something is not noticed."""
    parser = argparse.ArgumentParser(description="Show that the drawn worlds notice each broken rule of the model.")
    parser.add_argument("traces", type=Path, nargs="?", default=SAMPLE)
    options = parser.parse_args()
    found = first_differences(options.traces)
    for mutant, difference in zip(MUTANTS, found, strict=True):
        print(f"{mutant.rule}: {difference or 'NOT NOTICED'}")
    missed = found.count("")
    print(f"{len(MUTANTS) - missed} of {len(MUTANTS)} broken rules are noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
